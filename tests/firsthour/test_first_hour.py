"""Somebody's first hour at three servers that were written without knowledge of this program.

What counts is what each server counted and what lies on the disk. The sessions are printed in
``docs/first-hour.md``; ``UPDATE_GOLDEN=1`` writes that page anew.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

import pytest
from firsthour.conftest import MEDIA
from program import ROOT

if TYPE_CHECKING:
    from firsthour.conftest import Ran, Session

PAGE = ROOT / "docs/first-hour.md"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


def media(name: str) -> bytes:
    """Return a file as its server holds it."""
    return (MEDIA / name).read_bytes()


def require_page(session: Session) -> None:
    """Compare the session with its part of the page, or write that part."""
    part = f"<!-- {session.name} -->\n```console\n" + "\n".join(session.typed) + "\n```\n"
    pattern = rf"<!-- {session.name} -->\n```console\n.*?\n```\n"
    page = PAGE.read_text("utf-8")
    if UPDATE:
        page = re.sub(pattern, lambda _: part, page, flags=re.S)
        PAGE.write_text(page, "utf-8")
    printed = re.search(pattern, page, re.S)
    assert printed is not None
    assert printed[0] == part


def require_refused(ran: Ran, code: int, *words: str) -> None:
    """Assert that a command ended with this code and said these words to a person."""
    assert ran.code == code, ran.err
    for word in words:
        assert word in ran.err


@pytest.mark.parametrize("session", ["alpha"], indirect=True)
def test_a_video_service_that_takes_links_alone(session: Session) -> None:
    session("ads login --host HOST --api-key KEY")
    page = session("ads --help", show=8).out
    assert re.search(r"generations +delete, get, image, list, video", page)
    assert "ai." not in page
    listed = session("ads actions list --json", show=0).json
    assert len(listed) == 14
    session("ads actions search upscale")
    make = "ads generations video create --prompt 'ocean waves' --model ray-2 --duration 5s"

    session.note("a picture of the own disk: this service takes links alone")
    refused = session(f"{make} --keyframes.frame0.url sample_beach.png")
    require_refused(refused, 2, "--keyframes.frame0.type", "is required")
    frame = "--keyframes.frame0.type image --keyframes.frame0.url"
    refused = session(f"{make} {frame} sample_beach.png")
    require_refused(refused, 1, "invalid image url")
    session("ads balance")
    assert session("ads call credits.get").json == {"credit_balance": 5000.0}

    done = make_and_find_a_clip(session, f"{make} {frame}")

    session.note("what is wrong is said before anything is paid")
    count = len(session.posts())
    refused = session("ads generations video create --prompt waves --model ray-3 --duration 7s")
    require_refused(refused, 2, "ray-3" if "ray-3" in refused.err else "7s", "allowed")
    up = f"ads generations video upscale --id {done.json['taskId']} --resolution 1080p"
    require_refused(session(f"{up} --out ocean.mp4"), 2, "ocean.mp4 exists")
    assert len(session.posts()) == count
    assert session(f"{up} --out sharp.mp4", show=0).code == 0
    assert session.content("sharp.mp4") == media("alpha_upscaled.mp4")
    failed = session("ads generations video create --prompt 'forbidden' --model ray-2 --out no.mp4")
    require_refused(failed, 6, "advanced moderation failed")
    unknown = "ads generations get --id 00000000-0000-4000-8000-000000000000"
    require_refused(session(unknown), 1, "Generation not found", "check the ids")
    require_account_errors(session, make)
    require_page(session)


def require_account_errors(session: Session, make: str) -> None:
    """Assert what is said of no money and of a wrong key."""
    session.note("the same with the key of an account without money, and with a wrong key")
    poor = session(make, ADS_API_KEY="luma-00000000-broke-alpha")
    require_refused(poor, 7, "Insufficient credits")
    require_refused(session(make, ADS_API_KEY="luma-wrong-wrong"), 3, "Invalid API key provided")


def make_and_find_a_clip(session: Session, make: str) -> Ran:
    """Make a clip from a link, find it by a word and fetch it again; it was paid once."""
    clip = "generations.video.create"
    session.note("by a link it works, and the next day by a word of the prompt")
    done = session(f"{make} HOST/samples/sample_beach.png --out ocean.mp4", show=8)
    assert done.code == 0, done.err
    assert session.content("ocean.mp4") == media("alpha_clip.mp4")
    first, last = session.posts(clip)
    assert (first["status"], last["status"]) == (400, 201)
    assert last["body"]["keyframes"]["frame0"]["url"].endswith("/samples/sample_beach.png")
    assert last["body"]["duration"] == "5s"
    rows = session("ads tasks list --search ocean --state saved --json", show=0).json
    session("ads tasks list --search ocean --state saved")
    assert len(rows) == 1
    again = session(f"ads tasks save {rows[0]['ref'][:8]} --out again.mp4", show=0)
    assert again.code == 0, again.err
    assert session.content("again.mp4") == media("alpha_clip.mp4")
    assert len(session.posts(clip)) == 2
    assert session("ads call credits.get", show=0).json == {"credit_balance": 4929.0}
    return done


@pytest.mark.parametrize("session", ["bravo"], indirect=True)
def test_a_voice_service_that_takes_a_form(session: Session) -> None:
    refused = session("ads login --host HOST --api-key KEY")
    require_refused(refused, 3, "--auth header:xi-api-key")
    session("ads login --host HOST --api-key KEY --auth header:xi-api-key")
    session("ads actions search portrait")

    session.note("speech: the answer is the file")
    say = "ads text-to-speech convert --voice-id JBFqnCBsd6RMkjVDRZzb --text 'Good morning, ocean'"
    assert session(f"{say} --out speech.mp3", show=8).code == 0
    assert session.content("speech.mp3") == media("bravo_speech.mp3")
    refused = session(f"{say} --voice-settings.speed 2")
    require_refused(refused, 2, "--voice-settings.speed", "0.7 to 1.2")

    session.note("a picture of the own disk goes out as a form")
    require_refused(
        session("ads portraits assets upload --file nothere.jpg"), 2, "there is no file"
    )
    stored = session("ads portraits assets upload --file sample_face.jpg").json
    (upload,) = session.posts("portraits.assets.upload")
    digest = hashlib.sha256(media("sample_face.jpg")).hexdigest()
    assert upload["content_type"].startswith("multipart/form-data")
    assert upload["body"]["file"]["data"]["sha256"] == digest
    make = f"ads portraits video create --asset-id {stored['asset_id']} --text 'Hello, harbour'"
    done = session(f"{make} --voice-id JBFqnCBsd6RMkjVDRZzb --out me.mp4", show=0)
    assert done.code == 0, done.err
    assert session.content("me.mp4") == media("bravo_portrait.mp4")

    session.note("the next day, by a word of the text")
    (row,) = session("ads tasks list --search harbour --json", show=0).json
    session("ads tasks list --search harbour")
    assert session(f"ads tasks save {row['ref'][:8]} --out again.mp4", show=0).code == 0
    assert session.content("again.mp4") == media("bravo_portrait.mp4")
    assert len(session.posts("portraits.video.create")) == 1

    require_bravo_errors(session, say)
    require_page(session)


def require_bravo_errors(session: Session, say: str) -> None:
    """Assert what is said of the money, a wrong key and a wrong id."""
    session.note("money; then the key of an account without it, a wrong key, and a wrong id")
    assert "user.subscription.get" in session("ads balance").err
    poor = session(say, ADS_API_KEY="sk_000000000000000000000000broke")
    require_refused(poor, 7, "12 credits remaining", "add credits")
    require_refused(session(say, ADS_API_KEY="sk_wrong_wrong"), 3, "Invalid API key")
    unknown = session("ads text-to-speech convert --voice-id nosuch --text x")
    require_refused(unknown, 1, "voice_id nosuch was not found", "check the ids")


@pytest.mark.parametrize("session", ["charlie"], indirect=True)
def test_a_market_of_models_with_prices(session: Session) -> None:
    refused = session("ads login --host HOST --api-key KEY")
    require_refused(refused, 3, "scheme:WORD")
    session("ads login --host HOST --api-key KEY --auth scheme:Key")
    assert len(session("ads actions list --json", show=0).json) == 16
    session("ads actions search video")

    session.note("two pictures, and what they cost")
    draw = "ads flux schnell --prompt 'a red fox' --num-images 2"
    assert session(f"{draw} --out foxes/", show=4).code == 0
    foxes = sorted((session.folder / "foxes").iterdir())
    assert [fox.read_bytes() for fox in foxes] == [media("charlie_image.png")] * 2

    session.note("a clip of a picture of the own disk; the price is there before")
    kling = "kling_video.v2_1.standard.image_to_video"
    make = "ads kling-video v2-1 standard image-to-video --prompt 'the waves roll in'"
    make += " --image-url sample_beach.png"
    count = len(session.posts())
    assert "about 0.56 USD" in session(f"{make} --duration 10 --dry-run", show=2).err
    assert len(session.posts()) == count
    done = session(f"{make} --duration 5 --out waves.mp4", show=4)
    assert done.code == 0, done.err
    assert session.content("waves.mp4") == media("charlie_video.mp4")
    (row,) = session("ads tasks list --search roll --json", show=0).json
    session("ads tasks list --search roll")
    assert session(f"ads tasks save {row['ref'][:8]} --out again.mp4", show=0).code == 0
    assert session.content("again.mp4") == media("charlie_video.mp4")
    (paid,) = session.posts(kling)
    assert paid["body"]["duration"] == "5"

    require_charlie_errors(session, make)
    require_page(session)


def require_charlie_errors(session: Session, make: str) -> None:
    """Assert what other models give, and what is said of a limit, a refusal and no money."""
    session.note("other models, and what goes wrong")
    assert session("ads birefnet v2 --image-url sample_beach.png --out cut.png", show=0).code == 0
    assert session.content("cut.png") == media("charlie_cutout.png")
    limit = session("ads esrgan --image-url sample_beach.png --out big.webp --max-cost 0.1")
    require_refused(limit, 7, "compute seconds", "was not sent")
    assert not session.posts("esrgan")
    blocked = session(f"{make.replace('the waves roll in', 'forbidden')} --out no.mp4")
    require_refused(blocked, 1, "flagged by a content checker")
    assert not (session.folder / "no.mp4").exists()
    session.note("the key of an account without money, and an id that is not there")
    poor = "00000000-dead-4000-8000-charlie:0000000000"
    poor_ran = session("ads kokoro american-english --prompt x", ADS_API_KEY=poor)
    require_refused(poor_ran, 7, "Exhausted balance", "add credits")
    require_refused(session("ads queue result --request-id 0000"), 1, "0000 not found")
