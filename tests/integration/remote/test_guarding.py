"""Where no request goes: private addresses, by whatever way they are reached."""

import asyncio

import pytest
from yarl import URL

from shared.remote.addresses import PeerPolicy
from shared.remote.budgets import Budget
from shared.remote.client import GuardedClient, Limits
from shared.remote.connector import Guard
from shared.remote.errors import AddressBlocked, BadUrl, BudgetSpent, DnsFailed, TimedOut
from shared.remote.resolver import Answer, DnsLookup, Resolver
from tests.fakes.remote_server import RemoteServer
from tests.integration.remote.raw import Table, answering, dns_server, raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
EXEMPT = "127.0.9.1"


class Names:
    """A lookup with answers for each name, given one after the other; the last one stays."""

    ttl = 300.0

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): given for name, given in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Answer:
        """Return the next answer for a name."""
        self.asked.append(host)
        given = self.answers.get(host)
        if not given:
            raise DnsFailed(host, reason="dns_not_found")
        return Answer(tuple(given.pop(0) if len(given) > 1 else given[0]), self.ttl)


def _client(policy: PeerPolicy, names: Names) -> GuardedClient:
    return GuardedClient(policy, user_agent="t", lookup=names)


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1:{port}/", "https://[::1]:{port}/", "https://localhost:{port}/"),
        *("https://a.localhost:{port}/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/"),
        *("https://[::ffff:127.0.0.1]:{port}/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/"),
        *("https://127.1:{port}/", "https://2130706433:{port}/", "https://0x7f000001:{port}/"),
        *("https://0177.0.0.1:{port}/", "https://private.example:{port}/", "https://[::]:{port}/"),
    ],
)
async def test_no_private_address_is_ever_connected_to(url: str) -> None:
    """In production nothing private is connected to, however it is spelled."""
    connections = 0

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(OK)

    names = Names(private_example=[["127.0.0.1"]])
    async with raw_server(handle) as port, _client(PeerPolicy(), names) as client:
        with pytest.raises(AddressBlocked):
            await client.get(url.format(port=port), accept="*/*", deadline=5)
        with pytest.raises(AddressBlocked):
            await client.post(url.format(port=port), b"{}", deadline=5)
    assert connections == 0


@pytest.mark.parametrize(
    "url", ["http://public.example/", "https://public.example:25/", "https://public.example:80/"]
)
async def test_plain_http_and_low_ports_are_refused(url: str) -> None:
    """In production only HTTPS is spoken, and not with ports of other services."""
    async with _client(PeerPolicy(), Names(public_example=[["1.1.1.1"]])) as client:
        with pytest.raises(BadUrl):
            await client.get(url, accept="*/*", deadline=5)


async def test_plain_http_is_for_exempt_peers_only() -> None:
    """An exemption for one address does not allow plain HTTP with the rest of the world."""
    guard = Guard(
        PeerPolicy([f"{EXEMPT}/32"]), Resolver(Names(public_example=[["1.1.1.1"]], dev_example=[[EXEMPT]]))
    )
    await guard.check(URL("http://dev.example/"))
    await guard.check(URL("https://public.example/"))
    with pytest.raises(BadUrl):
        await guard.check(URL("http://public.example/"))


async def test_a_name_with_one_private_address_is_refused() -> None:
    """One private address among public ones is an attack, not a mistake."""
    names = Names(mixed_example=[["1.1.1.1", "10.0.0.1"]], mapped_example=[["1.1.1.1", "::ffff:10.0.0.1"]])
    async with _client(PeerPolicy(), names) as client:
        for host in ("mixed.example", "mapped.example"):
            with pytest.raises(AddressBlocked):
                await client.get(f"https://{host}/", accept="*/*", deadline=5)


async def test_the_address_that_was_checked_is_connected_to() -> None:
    """The connection goes to the address that the resolver gave, with the name in the Host header."""
    async with raw_server(answering(OK), EXEMPT) as port:
        names = Names(dev_example=[[EXEMPT]])
        async with _client(PeerPolicy([f"{EXEMPT}/32"]), names) as client:
            response = await client.get(f"http://dev.example:{port}/", accept="*/*", deadline=5)
    assert response.body == b"ok"


async def test_rebinding_between_requests_is_caught() -> None:
    """A name that turns private after its first answer ran out is refused from then on."""
    names = Names(dev_example=[[EXEMPT], ["127.0.0.1"]])
    names.ttl = 0
    async with (
        raw_server(answering(OK), EXEMPT) as port,
        _client(PeerPolicy([f"{EXEMPT}/32"]), names) as client,
    ):
        assert (await client.get(f"http://dev.example:{port}/", accept="*/*", deadline=5)).status == 200
        await asyncio.sleep(1.1)  # the shortest time that an answer is kept
        with pytest.raises(AddressBlocked):
            await client.get(f"http://dev.example:{port}/", accept="*/*", deadline=5)


async def test_rebinding_between_check_and_connect_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if a name slipped through the check, the socket itself does not connect to a private address."""
    connections = 0

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(OK)

    async def slipped(_: Guard, __: str) -> tuple[str, ...]:
        return ("127.0.0.1",)

    monkeypatch.setattr(Guard, "addresses", slipped)
    async with raw_server(handle) as port, _client(PeerPolicy(), Names()) as client:
        with pytest.raises(AddressBlocked):
            await client.get(f"https://dev.example:{port}/", accept="*/*", deadline=5)
    assert connections == 0


async def test_a_redirect_to_a_private_address_is_blocked(fediverse: RemoteServer) -> None:
    """A public server cannot send us to a private one: each hop is checked."""
    async with RemoteServer(EXEMPT) as outside:
        birch, inside = outside.host(), fediverse.host()
        inside.actor("nora")
        for location in (inside.actors["nora"].id, "http://169.254.169.254/", "https://127.1/"):
            birch.behave("/x", redirect=location)
            async with _client(PeerPolicy([f"{EXEMPT}/32"]), Names()) as client:
                with pytest.raises(AddressBlocked):
                    await client.get(f"{birch.origin}/x", accept="*/*", deadline=5)
    assert inside.fetched == []


async def test_localhost_never_asks_a_server() -> None:
    """Names below localhost are loopback, whatever a DNS server would say."""
    names = Names(a_localhost=[["1.1.1.1"]])
    assert await Resolver(names).addresses("a.localhost") == ("127.0.0.1",)
    assert names.asked == []


async def test_answers_are_remembered_and_shared() -> None:
    """Ten who want to know at once ask once, and nobody asks again while the answer is valid."""
    names = Names(dev_example=[["1.1.1.1"]])
    resolver = Resolver(names)
    found = await asyncio.gather(*(resolver.addresses("dev.example") for _ in range(10)))
    assert set(map(tuple, found)) == {("1.1.1.1",)}
    await resolver.addresses("dev.example")
    assert names.asked == ["dev.example"]


async def test_failures_are_remembered() -> None:
    """A name that does not exist is not asked for again and again."""
    names = Names()
    resolver = Resolver(names)
    for _ in range(3):
        with pytest.raises(DnsFailed):
            await resolver.addresses("gone.example")
    assert names.asked == ["gone.example"]


async def test_what_is_remembered_is_bounded() -> None:
    """An attacker with many names pushes out old answers, and nothing grows."""
    names = Names(**{f"n{n}_example": [["1.1.1.1"]] for n in range(4)})
    resolver = Resolver(names, size=2)
    for n in (0, 1, 2, 2, 0):
        await resolver.addresses(f"n{n}.example")
    assert names.asked == ["n0.example", "n1.example", "n2.example", "n0.example"]


async def test_one_who_gives_up_leaves_the_answer_to_others() -> None:
    """A cancelled request does not cancel the question that others wait for."""
    answer = asyncio.Event()

    async def slow(host: str) -> Answer:
        await answer.wait()
        return Answer((host,), 60)

    resolver = Resolver(slow)
    first, second = (asyncio.create_task(resolver.addresses("1.1.1.1")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    answer.set()
    assert await second == ("1.1.1.1",)


async def test_dns_failures_are_classed() -> None:
    """A name that does not exist, a server in trouble and one that is silent are told apart."""
    table: Table = {
        "good.example": (["1.1.1.1", "8.8.8.8"], 60),
        "failing.example": 2,
        "refused.example": 5,
        "silent.example": None,
        "empty.example": ([], 60),
    }
    async with dns_server(table) as (_, address):
        lookup = DnsLookup([address], timeout=0.2)
        found = await lookup("good.example")
        assert set(found.addresses) == {"1.1.1.1", "8.8.8.8"}
        assert found.ttl == 60
        for host, reason in (
            ("absent.example", "dns_not_found"),
            ("empty.example", "dns_not_found"),
            ("failing.example", "dns_failed"),
            ("refused.example", "dns_failed"),
            ("silent.example", "dns_timed_out"),
        ):
            with pytest.raises(DnsFailed) as failure:
                await lookup(host)
            assert failure.value.reason == reason, host
        await lookup.close()


async def test_a_silent_dns_server_meets_the_deadline() -> None:
    """A resolver that never answers costs one request its deadline, and the loop nothing."""
    async with dns_server({"silent.example": None}) as (_, address):
        lookup = DnsLookup([address], timeout=5)
        async with GuardedClient(PeerPolicy(), user_agent="t", lookup=lookup) as client:
            with pytest.raises(TimedOut):
                await client.get("https://silent.example/", accept="*/*", deadline=0.3)
        await lookup.close()


async def test_a_name_from_dns_is_guarded_as_any(fediverse: RemoteServer) -> None:
    """The whole way, from a real DNS answer to the refusal of a private address and the use of a peer's."""
    birch = fediverse.host()
    async with dns_server({"peer.example": (["127.0.0.1"], 60), "evil.example": (["10.0.0.1"], 60)}) as (
        dns,
        address,
    ):
        lookup = DnsLookup([address], timeout=1)
        async with GuardedClient(PeerPolicy(["127.0.0.1/32"]), user_agent="t", lookup=lookup) as client:
            response = await client.get(f"http://peer.example:{fediverse.port}/", accept="*/*", deadline=5)
            assert response.status == 421  # reached, though the fake host goes by another name
            with pytest.raises(AddressBlocked):
                await client.get("http://evil.example/", accept="*/*", deadline=5)
        await lookup.close()
    assert dns.asked == ["peer.example", "evil.example"]
    assert birch.fetched == []


async def test_a_wildcard_domain_is_one_server(fediverse: RemoteServer) -> None:
    """Names made up below one domain share its budget; the next is refused before anything is connected."""

    async def wildcard(host: str) -> Answer:  # noqa: ARG001 - whatever the name
        return Answer(("127.0.0.1",), 300.0)

    limits = Limits(budget=Budget(per_second=0.001, burst=3))
    policy = PeerPolicy(allow_private=True)
    async with GuardedClient(policy, user_agent="t", lookup=wildcard, limits=limits) as client:
        urls = [f"http://s{number}.evil.example:{fediverse.port}/" for number in range(5)]
        answers = [await client.get(url, accept="*/*") for url in urls[:3]]
        assert [answer.status for answer in answers] == [421, 421, 421]
        for url in urls[3:]:
            with pytest.raises(BudgetSpent):
                await client.get(url, accept="*/*")
        other = await client.get(f"http://honest.example:{fediverse.port}/", accept="*/*")
        assert other.status == 421
