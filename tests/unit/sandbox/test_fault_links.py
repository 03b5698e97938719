"""Expired links are refused until a reply names them afresh; links can be sent elsewhere."""

from __future__ import annotations

from callsheet_sandbox.faults.answers import reply_of_text
from callsheet_sandbox.faults.downloads import another
from callsheet_sandbox.faults.links import Links, moved

TEXT = r'{"a": "http://h:1/media/t-1.mp4", "b": "{\"u\": \"http://h:1/d/x/media/t-1.mp4?s=1\"}"}'


def test_a_link_expires_and_is_made_afresh() -> None:
    links = Links()
    assert (links.any, links.refusal("/media/t-1.mp4", "")) == (False, None)
    links.expire("/media/t-1.mp4", 410)
    assert links.refusal("/media/t-1.cover.png", "") == 410
    assert links.refusal("/media/t-1.mp4", "fresh=1") is None
    assert links.refusal("/media/t-2.mp4", "") is None
    reply = links.freshened(reply_of_text(200, TEXT, {}))
    assert reply.body.decode() == TEXT.replace('mp4"', 'mp4?fresh=1"').replace("s=1", "s=1&fresh=1")
    assert reply.headers["content-length"] == str(len(reply.body))
    links.expire("/media/t-1.mp4", 403)
    assert links.refusal("/media/t-1.mp4", "s=1&fresh=1") == 403
    again = links.freshened(reply).body.decode()
    assert again == reply.body.decode().replace("fresh=1", "fresh=2")
    links.clear()
    assert links.refusal("/media/t-1.mp4", "") is None


def test_links_lead_elsewhere() -> None:
    text = TEXT.replace("http://h:1/d/x", "")
    sent = moved(reply_of_text(200, text, {}), "http://f:2").body.decode()
    assert sent == text.replace("http://h:1", "").replace("/media", "http://f:2/media")


def test_another_version_differs_at_both_ends() -> None:
    body = b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom" + bytes(100)
    other = another(body)
    assert (other[:12], other[16:120]) == (body[:12], body[16:120])
    assert other[12:16] != body[12:16]
    assert len(other) == len(body) + 16
