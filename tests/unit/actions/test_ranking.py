"""A search puts the action that was meant first."""

from __future__ import annotations

from callsheet.actions.ranking import Searchable, rank

ENTRIES = [
    Searchable("ai.video.generate", "Video", "Starts a job that makes a video.", "video"),
    Searchable("ai.video.query", "", "Tells how far a video job is.", "video"),
    Searchable("ai.image.generate", "Picture", "Starts a job that makes a picture.", "image"),
    Searchable("material.search", "", "Finds clips and pictures.", "material"),
    Searchable("storage.uploadImage", "", "Stores a file.", "storage"),
]


def test_an_id_and_the_start_of_one_come_first() -> None:
    assert rank("ai.video.query", ENTRIES)[0] == "ai.video.query"
    assert rank("ai.video", ENTRIES)[:2] == ["ai.video.generate", "ai.video.query"]


def test_names_count_more_than_texts_and_rare_words_more_than_common_ones() -> None:
    assert rank("picture", ENTRIES)[0] == "ai.image.generate"
    assert rank("job query", ENTRIES)[0] == "ai.video.query"


def test_a_misspelt_word_and_one_of_the_same_meaning_fit() -> None:
    assert rank("qurey", ENTRIES)[0] == "ai.video.query"
    assert rank("upload a photo", ENTRIES)[0] == "storage.uploadImage"
    assert rank("uplaod", ENTRIES) == ["storage.uploadImage"]


def test_most_words_have_to_fit() -> None:
    assert rank("purple zebra video", ENTRIES) == []
    assert rank("zebra", ENTRIES) == []
    assert rank("the", ENTRIES) == []
    assert rank("", []) == []
