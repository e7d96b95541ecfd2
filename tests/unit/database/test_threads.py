"""Joining threads."""

from shared.database.adoption import Adopted, merged
from shared.protocol.objects import Visibility


def _reply(thread: int, parent_thread: int) -> Adopted:
    return Adopted(
        id=thread,
        visibility=Visibility.PUBLIC,
        parent_id=parent_thread,
        conversation_id=thread,
        parent_conversation_id=parent_thread,
    )


def test_chain_of_threads_ends_at_its_root() -> None:
    """Threads that join one after another all end in the first one."""
    assert merged([_reply(3, 2), _reply(2, 1)]) == {3: 1, 2: 1}


def test_thread_that_is_one_already_stays() -> None:
    """A reply that already belongs to its parent's thread moves nothing."""
    assert merged([_reply(1, 1)]) == {}


def test_circle_of_replies_ends() -> None:
    """Posts that name each other as their parent do not keep anybody going round."""
    assert set(merged([_reply(1, 2), _reply(2, 1)])) == {1, 2}
