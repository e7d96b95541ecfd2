"""Another server's fetcher, as strict as the strictest: GoToSocial's checks and Takahē's together.

Knows nothing of Heddle: it begins with a handle and follows what it is given.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.integration.federation.site import Loopback

ACCEPT = 'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
ACTIVITY_TYPES = ("application/activity+json", "application/ld+json")
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
_XRD = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"
_NODEINFO = "http://nodeinfo.diaspora.software/ns/schema/2.0"

Document = dict[str, Any]


@dataclass
class StrictFetcher:
    """Follows the chain from a handle to the pages for people, and insists on every rule.

    Args:
        host: The host part of the handles, with its port.
    """

    host: str
    visited: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Loopback()))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.close()

    async def find(self, name: str) -> Document:
        """Return the actor of a handle, by way of host-meta and WebFinger."""
        template = await self._webfinger_template()
        wanted = f"acct:{name}@{self.host}"
        body, kind, _ = await self._read(template.replace("{uri}", quote(wanted, safe="")), accept="*/*")
        assert kind in {"application/jrd+json", "application/json"}, kind
        answer = json.loads(body)
        assert answer["subject"] == wanted, "the subject is another account"
        links = [link for link in answer["links"] if link["rel"] == "self"]
        assert [link["type"] for link in links] == ["application/activity+json"]
        actor = await self.fetch(links[0]["href"])
        assert actor["preferredUsername"] == name
        self._check_actor(actor)
        return actor

    async def software(self) -> str:
        """Return what NodeInfo calls the server."""
        body, kind, _ = await self._read(
            f"http://{self.host}/.well-known/nodeinfo", accept="application/json"
        )
        assert kind == "application/json"
        hrefs = [link["href"] for link in json.loads(body)["links"] if link["rel"] == _NODEINFO]
        assert len(hrefs) == 1
        body, kind, _ = await self._read(hrefs[0], accept="application/json")
        info = json.loads(body)
        assert kind == "application/json"
        assert info["version"] == "2.0"
        assert "activitypub" in info["protocols"]
        assert re.fullmatch(r"[a-z0-9-]+", info["software"]["name"])
        assert isinstance(info["usage"]["users"]["total"], int)
        assert isinstance(info["openRegistrations"], bool)
        return str(info["software"]["name"])

    async def fetch(self, uri: str) -> Document:
        """Return an ActivityPub document, which must be what was asked for."""
        body, kind, url = await self._read(uri, accept=ACCEPT)
        assert kind in ACTIVITY_TYPES, f"{uri} came as {kind}"
        document: Document = json.loads(body)
        assert "https://www.w3.org/ns/activitystreams" in json.dumps(document["@context"])
        assert document["id"] == url, f"{url} says it is {document['id']}"
        return document

    async def outbox(self, actor: Document) -> list[Document]:
        """Return all activities of an actor's outbox, page by page."""
        collection = await self.fetch(actor["outbox"])
        assert collection["type"] == "OrderedCollection"
        items: list[Document] = []
        page = collection["first"]
        while page:
            document = await self.fetch(page)
            assert document["type"] == "OrderedCollectionPage"
            assert document["partOf"] == collection["id"]
            items += document["orderedItems"]
            page = document.get("next")
        assert collection["totalItems"] == len(items)
        for item in items:
            self._check_activity(item, actor)
        return items

    async def post(self, activity: Document) -> Document:
        """Return the post of a Create from its own address, which must say the same."""
        embedded = activity["object"]
        post = await self.fetch(embedded["id"])
        for name, value in embedded.items():
            assert post[name] == value, f"{name} differs from what the outbox has"
        assert post["attributedTo"] == activity["actor"]
        assert post["to"] == activity["to"]
        assert post["cc"] == activity["cc"]
        assert datetime.fromisoformat(post["published"]).tzinfo is not None
        assert isinstance(post["tag"], list)
        return post

    async def page(self, document: Document) -> str:
        """Return the page for people that a document names; it must lead back to the document."""
        body, kind, _ = await self._read(document["url"], accept="text/html")
        assert kind == "text/html"
        back = f'<link rel="alternate" type="application/activity+json" href="{document["id"]}">'
        assert back in body.decode()
        return body.decode()

    async def _webfinger_template(self) -> str:
        body, kind, _ = await self._read(f"http://{self.host}/.well-known/host-meta", accept="*/*")
        assert kind == "application/xrd+xml"
        links = ET.fromstring(body).findall(f"{_XRD}Link")  # noqa: S314 - our own server
        templates = [link.attrib["template"] for link in links if link.attrib["rel"] == "lrdd"]
        assert len(templates) == 1
        assert "{uri}" in templates[0]
        return templates[0]

    def _check_actor(self, actor: Document) -> None:
        key = actor["publicKey"]
        assert isinstance(key, dict), "several keys in publicKey break some servers"
        assert key["owner"] == actor["id"]
        public = load_pem_public_key(key["publicKeyPem"].encode())
        assert isinstance(public, RSAPublicKey)
        assert public.key_size >= 2048
        addresses = (
            actor["inbox"],
            actor["outbox"],
            actor["followers"],
            actor["following"],
            actor["featured"],
            actor["endpoints"]["sharedInbox"],
            key["id"],
            actor["url"],
        )
        assert {urlsplit(address).netloc for address in addresses} == {self.host}
        assert isinstance(actor["manuallyApprovesFollowers"], bool)

    def _check_activity(self, activity: Document, actor: Document) -> None:
        assert activity["type"] in {"Create", "Announce"}
        assert activity["actor"] == actor["id"]
        assert urlsplit(activity["id"]).netloc == self.host
        assert PUBLIC in [*activity["to"], *activity["cc"]]
        assert actor["followers"] in [*activity["to"], *activity["cc"]]

    async def _read(self, url: str, *, accept: str) -> tuple[bytes, str, str]:
        """Return body, media type and final URL; everything on the way must be on the one host."""
        self.visited.append(url)
        headers = {"Accept": accept, "User-Agent": "strict/1"}
        async with self._http.get(url, headers=headers) as response:
            assert response.status == 200, f"{url} answered {response.status}"
            assert response.url.authority == self.host
            kind = response.headers["Content-Type"].partition(";")[0].strip()
            return await response.read(), kind, str(response.url)
