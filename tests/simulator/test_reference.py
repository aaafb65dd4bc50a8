"""The simulator's answers have the shape of the reference's own examples."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).parent.parent / "reference"
EXAMPLES = {path.stem: json.loads(path.read_text()) for path in sorted(REFERENCE.glob("*.json"))}
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def test_there_are_thirty_examples():
    assert len(EXAMPLES) == 30
    assert all(example["request"]["command"] == name for name, example in EXAMPLES.items())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_with_ids_that_exist_is_executed_and_answered_in_the_same_shape(name, simulator, wire):
    example = EXAMPLES[name]
    body = {**example["request"], "param": existing(name, example["request"]["param"], simulator, wire)}
    answer = wire.send(body)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.status_code == 200
    told = answer.json()
    assert shape(told) == shape(example["answer"]), told
    row = simulator.journal(name)[-1]
    assert (row["executed"], row["id"], row["param"]) == (True, body["id"], body["param"])


@pytest.mark.parametrize("name", [name for name in EXAMPLES if EXAMPLES[name]["request"]["param"]])
def test_an_example_as_it_stands_names_a_residence_that_does_not_exist(name, simulator, wire):
    answer = wire.send(EXAMPLES[name]["request"])
    assert answer.status_code >= 400 or answer.json()["success"] is False
    row = simulator.journal(name)[-1]
    assert row["refused"].startswith("residence_not_found:")
    assert row["executed"] is False


def existing(name: str, param: dict[str, Any], simulator, wire) -> dict[str, Any]:
    """The example's fields, with ids of the estate in place of its own."""
    family = simulator.family(auth="admin")
    if name == "account_join_family":
        return {**param, "residence_id": simulator.estate()["joinable"]["residence_id"]}
    found = dict(param)
    if found:
        found["residence_id"] = family["residence_id"]
    member = next(each for each in family["members"] if each["auth"] in ("user", "guest"))
    device = next(each for each in family["devices"] if each["relays"])
    if "account_id" in found:
        found["account_id"] = member["account_id"]
    if "accounts" in found:
        found["accounts"] = [{**each, "account_id": member["account_id"]} for each in found["accounts"]]
    if "mac" in found:
        found |= {"mac": device["mac"], "relay_id": device["relays"][0]["relay_id"]}
    if "devices" in found:
        found["devices"] = [{"mac": device["mac"]}]
    if name == "delete_akuvox_face_file_info":
        wire.result("update_akuvox_face_file_info", residence_id=found["residence_id"], filename="my.jpg")
    if "temp_key" in found or name.startswith("get_akuvox_open_door_temp_key"):
        times = {"start_time": "2020-03-12 13:32:43", "finish_time": "2020-03-12 17:32:43", "count": 100}
        key = wire.result(
            "create_akuvox_open_door_temp_key_config", residence_id=found["residence_id"], **times
        )
        if "temp_key" in found:
            is_batch = isinstance(found["temp_key"], list)
            found["temp_key"] = [key["temp_key"]] if is_batch else key["temp_key"]
    return found


def shape(found: Any) -> Any:
    """The names and types in an answer; of a list, those of its first element."""
    if isinstance(found, dict):
        # The reference tells the stream address by two names.
        return {
            ("rtsp" if name == "rtsp_url" else name): shape(value) for name, value in sorted(found.items())
        }
    if isinstance(found, list):
        return [shape(found[0])] if found and isinstance(found[0], dict) else []
    if isinstance(found, str) and TIME.fullmatch(found):
        return "time"
    return type(found).__name__
