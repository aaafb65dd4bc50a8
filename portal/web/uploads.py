"""Files that people send: none, but where a view asks for one and says how large it may be."""

from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

# What is larger is not even read to its end, to say so beside the field.
READ_TO_THE_END = 64_000_000
_CHUNK = 65_536


class NoFile(FileUploadHandler):
    """No page takes a file by itself: one is refused before a byte of it is kept."""

    def new_file(self, *args: Any, **named: Any) -> None:
        raise TooManyFilesSent("this address takes no file")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class OneFile(FileUploadHandler):
    """Keeps one file in memory. Of a larger one nothing is kept: it comes out empty, with its own size.

    To be set before anything reads the form, and so before the check for forgery: see ``takes_a_file``.
    """

    def __init__(self, request: HttpRequest, largest: int) -> None:
        super().__init__(request)
        self.largest = largest
        self.kept = BytesIO()

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        if content_length > READ_TO_THE_END:
            raise RequestDataTooBig("far larger than any file that is taken")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self.kept.tell() + len(raw_data) <= self.largest and start == self.kept.tell():
            self.kept.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        is_whole = file_size == self.kept.tell()
        self.kept.seek(0)
        return InMemoryUploadedFile(
            self.kept if is_whole else BytesIO(),
            self.field_name,
            self.file_name or "",
            self.content_type,
            file_size,
            self.charset,
        )


def read_on(request: HttpRequest) -> None:
    """Read what is left of a body that is too large, so that the browser comes to read the answer."""
    left = READ_TO_THE_END
    while left > 0 and (some := request.read(_CHUNK)):
        left -= len(some)
