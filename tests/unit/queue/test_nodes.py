"""Several nodes of one broker in one setting."""

from itertools import islice

from shared.queue.nodes import around, nodes_of

LIST = "amqp://h:a,b@one:5672/x, amqps://h:a,b@two/x,amqp://h:a,b@three/x"


def test_a_comma_before_a_url_separates() -> None:
    """Commas separate URLs, with or without a blank; one inside of a password stays there."""
    assert nodes_of(LIST) == ["amqp://h:a,b@one:5672/x", "amqps://h:a,b@two/x", "amqp://h:a,b@three/x"]
    assert nodes_of("") == []


def test_every_node_has_its_turn() -> None:
    """Each round takes every node once, in the order given, wherever it begins, and tells where it ends."""
    begun = set()
    for _ in range(60):
        turns = list(islice(around(LIST), 6))
        nodes = [node for node, _ in turns]
        place = nodes_of(LIST).index(nodes[0])
        assert nodes == ((nodes_of(LIST) * 2)[place : place + 3]) * 2
        assert [closes for _, closes in turns] == [False, False, True] * 2
        begun.add(nodes[0])
    assert begun == set(nodes_of(LIST))
