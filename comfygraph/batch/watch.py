"""Who is told how a batch goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..client import Event
    from .item import Item
    from .manifest import Row


class Watch:
    """Is told what happens in a batch, in the thread that runs it. This one counts and says nothing.

    Attributes:
        total: items in all.
        done: of them whole, now or before.
        failed: of them failed now.
    """

    def __init__(self) -> None:
        self.total = self.done = self.failed = 0

    def begins(self, total: int, whole: int) -> None:
        """The batch begins: so many items, so many of them whole already."""
        self.total, self.done = total, whole

    def starts(self, item: Item) -> None:
        """This item is the one that is waited for now."""

    def tells(self, item: Item, event: Event) -> None:
        """Something happened to it."""

    def ends(self, row: Row) -> None:
        """An item is in the manifest."""
        if row.status == "done":
            self.done += 1
        else:
            self.failed += 1
