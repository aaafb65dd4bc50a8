"""A text column that is ciphertext in the database, bound to its own row, table and field."""

from typing import Any

from django.db import models

from portal.sealing import Unreadable as Unreadable
from portal.sealing import key_ring as key_ring
from portal.sealing import seal, unseal


class SealedTextField(models.BinaryField):  # type: ignore[type-arg]
    """Plain text in Python, AES-256-GCM in the database.

    The row's primary key is part of what is authenticated: it must be known before saving (a UUID made in
    Python), and values are written by ``save()`` only. Lists defer it and never decrypt. Reading raises
    Unreadable.
    """

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, _Sealed(self))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if value is None or isinstance(value, bytes | memoryview):
            return value  # untouched: goes back as it was read
        return self.seal(model_instance, value)

    def get_prep_value(self, value: Any) -> Any:
        # update() and bulk_update() know no row to bind the value to, and would write it as it is.
        if isinstance(value, str):
            raise TypeError(f"{self}: sealed values are written by save() only")
        return super().get_prep_value(value)

    def value_from_object(self, obj: models.Model) -> Any:
        """What is stored, so that a dump holds no plain text. It fits no other row."""
        value = obj.__dict__.get(self.attname)
        return self.seal(obj, value) if isinstance(value, str) else value

    def seal(self, instance: models.Model, text: str) -> bytes:
        """The ciphertext of ``text`` for this row, made with the newest key."""
        if instance.pk is None:
            raise ValueError(f"{self}: the primary key must be known before sealing")
        return seal(text, self._bound(instance))

    def unseal(self, instance: models.Model, stored: bytes | memoryview) -> str:
        """The text of a stored value; raises Unreadable."""
        try:
            return unseal(bytes(stored), self._bound(instance))
        except Unreadable as error:
            raise Unreadable(f"{self} of {instance.pk}") from error

    def _bound(self, instance: models.Model) -> bytes:
        return f"{self.model._meta.db_table}:{instance.pk}:{self.attname}".encode()


class _Sealed:
    def __init__(self, field: SealedTextField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        value = instance.__dict__[self.field.attname]
        return value if value is None or isinstance(value, str) else self.field.unseal(instance, value)

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value
