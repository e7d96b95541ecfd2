"""Pictures: uploaded, made safe, described, shown, sent along, and gone when nobody needs them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import requests
from mastodon import MastodonAPIError, MastodonNotFoundError
from PIL import Image

from services.platform_gateway.housekeeping import LOOSE_SECONDS
from shared.database.media import delete_loose
from shared.protocol.activities import Create, UpdateActor
from tests.integration.gateway.running import RunningGateway

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


def picture(kind: str = "PNG", size: tuple[int, int] = (320, 200), **options: Any) -> bytes:
    """Return a picture with a slope of colours."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste((200, 30, 30), (0, 0, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def located() -> bytes:
    """Return a photo that says where, when and with what it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return picture("JPEG", exif=exif, comment=b"SecretComment")


def claimed(width: int, height: int) -> bytes:
    """Return a small PNG that says that it is huge."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def read(url: str) -> tuple[requests.Response, Image.Image]:
    """Fetch a picture and decode it."""
    answer = requests.get(url, timeout=20)
    return answer, Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_posted_and_sent_along(site: RunningGateway, kind: str) -> None:
    """Mastodon.py uploads and posts a picture of each kind; other servers get its address, shape and text."""
    ada = site.client("ada")
    uploaded = ada.media_post(
        io.BytesIO(picture(kind)), mime_type="image/png", description="A red corner", focus=(0.5, -0.25)
    )
    assert (uploaded.type, uploaded.meta.original.width, uploaded.meta.original.height) in {
        ("image", 320, 200),
        ("gifv", 320, 200),
    }
    with site.outbox() as sent:
        status = ada.status_post("Look", media_ids=[uploaded])
    shown = status.media_attachments[0]
    assert (shown.id, shown.description, shown.meta.focus.x) == (uploaded.id, "A red corner", 0.5)
    create = next(one.item.activity for one in sent if isinstance(one.item.activity, Create))
    sent_along = create.note.attachments[0]
    assert (sent_along.media_type, sent_along.width, sent_along.height) == (KINDS[kind], 320, 200)
    assert (sent_along.description, sent_along.focus) == ("A red corner", (0.5, -0.25))
    document = requests.get(status.uri, headers={"Accept": "application/activity+json"}, timeout=20).json()[
        "attachment"
    ][0]
    assert document["mediaType"] == KINDS[kind]
    assert document["name"] == "A red corner"
    assert document["focalPoint"] == [0.5, -0.25]
    assert (document["width"], document["height"]) == (320, 200)
    assert document["blurhash"] == shown.blurhash
    original, decoded = read(document["url"])
    assert (original.headers["Content-Type"], decoded.format) == (KINDS[kind], kind)
    assert read(shown.preview_url)[1].width <= 640


def test_a_picture_is_served_as_nothing_but_itself(site: RunningGateway) -> None:
    """Its address may be kept for ever, allows no script and no guess at its type; another one is a 404."""
    uploaded = site.client("ada").media_post(io.BytesIO(picture()), mime_type="text/html")
    answer = requests.get(uploaded.url, timeout=20)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    again = requests.get(uploaded.url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=20)
    assert (again.status_code, again.content) == (304, b"")
    folder = uploaded.url.rpartition("/")[0]
    for name in ("..%2foriginal", "secret", "original.html5x", "original/x", "%00", "preview.png.html"):
        assert requests.get(f"{folder}/{name}", timeout=20).status_code == 404, name
    assert requests.get(f"{site.origin}/media/{'x' * 24}/original.png", timeout=20).status_code == 404


def test_nothing_hidden_stays_in_a_picture(site: RunningGateway) -> None:
    """Place, camera and comments are taken out, and the picture stands upright."""
    uploaded = site.client("ada").media_post(io.BytesIO(located()), mime_type="image/jpeg")
    for url in (uploaded.url, uploaded.preview_url):
        answer, decoded = read(url)
        assert not decoded.getexif()
        assert not any(word in answer.content for word in (b"Secret", b"Exif", b"GPS"))
    assert (uploaded.meta.original.width, uploaded.meta.original.height) == (200, 320)


def test_a_moving_picture_goes_on_moving(site: RunningGateway) -> None:
    """The frames of an animation, and how long each is shown, are kept; its comment is not."""
    colours = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    colours[0].save(
        out, "GIF", save_all=True, append_images=colours[1:], duration=[100, 200, 300], comment=b"Secret"
    )
    uploaded = site.client("ada").media_post(io.BytesIO(out.getvalue()), mime_type="image/gif")
    answer, decoded = read(uploaded.url)
    assert getattr(decoded, "n_frames", 1) == 3
    assert decoded.info["duration"] == 100
    assert b"Secret" not in answer.content


def test_a_large_picture_is_made_smaller(site: RunningGateway) -> None:
    """A picture of more pixels than a screen has is kept at a size that a screen can show."""
    uploaded = site.client("ada").media_post(
        io.BytesIO(picture("JPEG", (5000, 4000))), mime_type="image/jpeg"
    )
    width, height = uploaded.meta.original.width, uploaded.meta.original.height
    assert width * height <= 8_294_400
    assert width / height == pytest.approx(1.25, abs=0.01)
    assert read(uploaded.url)[1].size == (width, height)


REFUSED = {
    "no picture": b"hello",
    "HTML": b"<html><script>alert(1)</script>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "an empty file": b"",
    "a bomb": claimed(60_000, 60_000),
    "a picture that is said to be larger than allowed": claimed(8000, 8000),
    "half of a picture": picture("PNG")[:300],
    "BMP": picture("BMP"),
    "TIFF": picture("TIFF"),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "video": b"\x00\x00\x00\x20ftypisom" + bytes(200),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused(site: RunningGateway, name: str) -> None:
    """Whatever a client calls it, what cannot be shown safely is refused, and nothing is kept."""
    before = site.value("SELECT count(*) FROM media")
    answer = requests.post(
        f"{site.origin}/api/v2/media",
        files={"file": ("picture.png", REFUSED[name], "image/png")},
        headers=site.headers("ada"),
        timeout=20,
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]
    assert site.value("SELECT count(*) FROM media") == before


def test_a_file_beyond_the_limit_is_cut_off(site: RunningGateway) -> None:
    """More than 16 MiB are refused with 413, whatever they are."""
    answer = requests.post(
        f"{site.origin}/api/v2/media",
        files={"file": ("picture.png", picture() + bytes(16 << 20), "image/png")},
        headers=site.headers("ada"),
        timeout=60,
    )
    assert answer.status_code == 413, answer.text


def test_a_polyglot_is_a_picture_and_nothing_else(site: RunningGateway) -> None:
    """What was appended to a picture, a page or an archive, does not come out again."""
    for kind in ("JPEG", "GIF", "PNG", "WEBP"):
        content = picture(kind) + b"<script>alert('polyglot')</script>PK\x03\x04"
        uploaded = site.client("ada").media_post(io.BytesIO(content), mime_type="image/png")
        assert b"polyglot" not in requests.get(uploaded.url, timeout=20).content


def test_a_picture_is_described_until_it_is_posted(site: RunningGateway) -> None:
    """Its owner changes text and focus before the post; afterwards it is the post that is edited."""
    ada = site.client("ada")
    uploaded = ada.media_post(io.BytesIO(picture()), mime_type="image/png", synchronous=True)
    assert ada.media_update(uploaded, description="First", focus=(0.1, 0.2)).description == "First"
    status = ada.status_post("", media_ids=[uploaded])
    with pytest.raises(MastodonAPIError):
        ada.media_update(uploaded, description="Too late")
    edited = ada.status_update(
        status,
        "Now with words",
        media_attributes=[ada.generate_media_edit_attributes(uploaded.id, description="Second")],
    )
    assert edited.media_attachments[0].description == "Second"
    assert ada.status_history(status)[0].media_attachments[0].description == "First"
    for form, left in (
        ({"status": "Other words"}, [str(uploaded.id)]),
        ({"status": "x", "media_ids": []}, []),
    ):
        url = f"{site.origin}/api/v1/statuses/{status.id}"
        kept = requests.put(url, json=form, headers=site.headers("ada"), timeout=20).json()
        assert [one["id"] for one in kept["media_attachments"]] == left


def test_nobody_posts_the_pictures_of_another(site: RunningGateway) -> None:
    """Another's picture, one of another post, and one too many are refused; nothing is posted."""
    ada, grace = site.client("ada"), site.client("grace")
    mine = [ada.media_post(io.BytesIO(picture()), mime_type="image/png") for _ in range(5)]
    hers = grace.media_post(io.BytesIO(picture()), mime_type="image/png")
    ada.status_post("Once", media_ids=[mine[0]])
    before = site.value("SELECT count(*) FROM statuses")
    for ids in ([hers], [mine[0]], mine, [1], [mine[1], hers]):
        with pytest.raises(MastodonAPIError):
            ada.status_post("No", media_ids=ids)
    with pytest.raises(MastodonAPIError):
        ada.status_post("No", media_ids=[mine[1]], poll=ada.make_poll(["a", "b"], 600))
    with pytest.raises(MastodonNotFoundError):
        ada.media_update(hers, description="Mine")
    with pytest.raises(MastodonNotFoundError):
        ada.media(hers)
    assert site.value("SELECT count(*) FROM statuses") == before


def test_pictures_that_nothing_shows_go_after_a_day(site: RunningGateway) -> None:
    """Housekeeping deletes what was never posted or whose post is gone, files and all, and nothing else."""
    ada = site.client("ada")
    loose, posted, redrafted = (
        ada.media_post(io.BytesIO(picture()), mime_type="image/png") for _ in range(3)
    )
    ada.status_post("Stays", media_ids=[posted])
    gone = ada.status_post("Goes", media_ids=[redrafted])
    ada.status_delete(gone)
    again = ada.status_post("Written anew", media_ids=[redrafted])
    assert again.media_attachments[0].id == redrafted.id
    ada.status_delete(again)
    site.db(lambda conn: delete_loose(conn, LOOSE_SECONDS, 1000))
    assert requests.get(loose.url, timeout=20).status_code == 200
    site.execute("UPDATE media SET loose_since = loose_since - interval '25 hours'")
    site.db(lambda conn: delete_loose(conn, LOOSE_SECONDS, 1000))
    status = {one.id: requests.get(one.url, timeout=20).status_code for one in (loose, posted, redrafted)}
    assert status == {loose.id: 404, posted.id: 200, redrafted.id: 404}
    query = "SELECT count(*) FROM media_files f LEFT JOIN media m ON m.id = f.media_id WHERE m.id IS NULL"
    assert site.value(query) == 0


def test_a_deleted_post_takes_its_pictures_along(site: RunningGateway) -> None:
    """With `delete_media` the pictures of a post are gone at once; without it they can be posted anew."""
    ada = site.client("ada")
    kept, gone = (ada.media_post(io.BytesIO(picture()), mime_type="image/png") for _ in range(2))
    for uploaded, flag in ((kept, "false"), (gone, "true")):
        post = ada.status_post("Look", media_ids=[uploaded])
        answer = requests.delete(
            f"{site.origin}/api/v1/statuses/{post.id}",
            params={"delete_media": flag},
            headers=site.headers("ada"),
            timeout=20,
        )
        assert [one["id"] for one in answer.json()["media_attachments"]] == [uploaded.id]
    assert requests.get(gone.url, timeout=20).status_code == 404
    assert requests.get(kept.url, timeout=20).status_code == 200
    assert ada.status_post("Look again", media_ids=[kept]).media_attachments[0].id == kept.id


def test_a_profile_has_pictures(site: RunningGateway, tmp_path: Path) -> None:
    """Mastodon.py sets avatar and header: cut to size, told to others, and the old ones are gone."""
    grace = site.client("grace")
    file = tmp_path / "me.png"
    file.write_bytes(picture("PNG", (900, 700)))
    with site.outbox() as sent:
        before = grace.account_update_credentials(avatar=str(file), header=str(file), display_name="Grace")
    update = next(one.item.activity for one in sent if isinstance(one.item.activity, UpdateActor))
    assert (update.profile.icon, update.profile.image) == (before.avatar, before.header)
    assert read(before.avatar)[1].size == (400, 400)
    assert read(before.header)[1].size == (1500, 500)
    after = grace.account_update_credentials(avatar=str(file))
    assert after.header == before.header
    assert after.avatar != before.avatar
    assert requests.get(before.avatar, timeout=20).status_code == 404
    assert requests.get(after.avatar, timeout=20).status_code == 200
