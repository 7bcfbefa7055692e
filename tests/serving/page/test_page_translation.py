"""The translation on the page, and its messages."""

import json
import re

import pytest
import tensorflow as tf

from tests.serving.patience import until

TEXT = "a cat sat on the old mat"
OTHER_TEXT = "birds fly to the park"
HTML = '<img src=x onerror="document.title=1"><h5>bold</h5>'


def type_text(page, text):
    """Types a text and waits until it is there; a busy browser is late."""
    field = page.locator("#text")
    field.fill("")
    field.press_sequentially(text)
    until(lambda: field.input_value() == text)


def press(page, character, text):
    """Presses a key and waits until the text is there; a busy browser is late."""
    field = page.locator("#text")
    field.press(character if character != " " else "Space")
    until(lambda: field.input_value() == text)


def wait_for_translation(page, translation):
    page.wait_for_function(
        """text => {
            const shown = document.getElementById("translation");
            return shown.textContent === text && !shown.classList.contains("old");
        }""",
        arg=translation,
    )


def nbest_of(signatures, text):
    found = signatures["nbest"](text=tf.constant([text]))
    texts = [text.decode() for text in found["translation"].numpy()[0]]
    return texts, found["score"].numpy()[0].tolist()


def test_translation_and_n_best_are_those_of_the_signature(site, signatures, open_page):
    page = open_page(site, model="toy")
    for text in (TEXT, "완전히 다른 글자 ★ " + OTHER_TEXT):
        texts, scores = nbest_of(signatures, text)
        assert len(set(texts)) == len(texts) > 2
        type_text(page, text)
        wait_for_translation(page, texts[0])
        assert page.locator("#nbest .reading").all_text_contents() == texts
        shown = page.locator("#nbest .score").all_text_contents()
        shown = [float(score.replace("\u2212", "-")) for score in shown]
        assert shown == pytest.approx(scores, abs=0.00501)
        assert page.locator("#state").text_content() == ""


def test_words_that_the_first_does_not_have_are_marked(site, open_page):
    answer = {"translation": [["a b c d", "a x c d", "b c"]], "score": [[-1, -2, -3]]}
    page = open_page(site, model="toy")
    page.route("**:predict", lambda route: route.fulfill(json={"outputs": answer}))
    type_text(page, TEXT)
    wait_for_translation(page, "a b c d")
    marked = [
        item.locator(".other").all_text_contents()
        for item in page.locator("#nbest .reading").all()
    ]
    assert marked == [[], ["x"], []]


def test_translations_that_were_not_found_are_not_listed(site, open_page):
    """TensorFlow Serving writes -Infinity, which is no JSON."""
    text = (
        '{"outputs": {"translation": [["-Infinity", ""]], "score": [[-1, -Infinity]]}}'
    )
    page = open_page(site, model="toy")
    page.route("**:predict", lambda route: route.fulfill(body=text))
    type_text(page, TEXT)
    wait_for_translation(page, "-Infinity")
    assert page.locator("#nbest li").count() == 1


def assert_no_element(page):
    assert page.locator("img, h5").count() == 0
    assert "English" in page.title()


def test_text_is_never_html(site, open_page):
    page = open_page(site, model="toy")
    type_text(page, HTML)
    page.locator("#attention-parts").wait_for()
    assert_no_element(page)
    answer = {"translation": [[HTML, HTML + HTML]], "score": [[-1, -2]]}
    page.route("**:predict", lambda route: route.fulfill(json={"outputs": answer}))
    type_text(page, TEXT)
    wait_for_translation(page, HTML)
    assert_no_element(page)
    error = {"error": HTML}
    page.route("**:predict", lambda route: route.fulfill(status=400, json=error))
    page.locator("#text").fill(OTHER_TEXT)
    page.locator("#state[data-kind=error]", has_text=HTML).wait_for()
    assert_no_element(page)


def test_pieces_are_those_of_the_signature(site, signatures, open_page):
    text = HTML + " the 개"
    found = signatures["attend"](text=tf.constant([text]))
    page = open_page(site, model="toy")
    type_text(page, text)
    page.locator("#pieces:not(.old)").wait_for()
    for side in ("source", "target"):
        pieces = [piece.decode() for piece in found[side].numpy()[0]]
        names = {"</s>": "end", "<unk>": "unknown", "\u2581": "␣space"}
        expected = [
            names.get(piece)
            or re.sub("^<0x(..)>$", r"byte \1", piece).replace("\u2581", "␣")
            for piece in pieces
        ]
        assert page.locator(f"#{side}-pieces li").all_text_contents() == expected
        title = page.locator(f"#{side}-pieces-title").text_content()
        assert f" {len(pieces)} tokens" in title


def test_an_older_answer_never_replaces_a_newer(site, signatures, open_page):
    page = open_page(site, model="toy")
    held = []

    def hold_first(route):
        is_first = TEXT in route.request.post_data
        held.append(route) if is_first else route.continue_()

    page.route("**:predict", hold_first)
    type_text(page, TEXT)
    while not held:
        page.wait_for_timeout(20)
    type_text(page, OTHER_TEXT)
    newer = nbest_of(signatures, OTHER_TEXT)[0][0]
    wait_for_translation(page, newer)
    outputs = {"translation": [["older"]], "score": [[-1.0]]}
    for route in held:
        route.fulfill(json={"outputs": outputs})
    page.wait_for_timeout(300)
    assert page.locator("#translation").text_content() == newer
    assert page.locator("#nbest .reading").first.text_content() == newer


@pytest.mark.parametrize(
    ("model", "outputs"),
    [
        ("words", [2.5]),
        ("words", {"y": [2.5], "z": ["a"]}),
        ("words", {"translation": [1], "score": [-1.0]}),
        ("toy", {"translation": ["a"], "score": [-1.0]}),
        ("toy", {}),
    ],
)
def test_a_model_that_is_no_translator_is_named_so(site, open_page, model, outputs):
    page = open_page(site, model=model)
    page.route("**:predict", lambda route: route.fulfill(json={"outputs": outputs}))
    type_text(page, "a")
    page.locator("#state[data-kind=error]").wait_for()
    assert "it is not a translator" in page.locator("#state").text_content()
    assert page.locator("#nbest-part").is_hidden()


def test_nothing_is_asked_while_keys_are_pressed(site, signatures, open_page):
    page = open_page(site, model="toy")
    page.locator("#state[data-kind=empty]").wait_for()
    asked = []
    page.on("request", lambda request: asked.append(request.post_data))
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() + 60_000"))
    for number, character in enumerate(TEXT, 1):
        press(page, character, TEXT[:number])
        page.clock.run_for(240)
    assert not any(asked)
    page.clock.run_for(20)
    page.clock.resume()
    wait_for_translation(page, nbest_of(signatures, TEXT)[0][0])
    page.locator("#attention-parts").wait_for()
    bodies = [json.loads(body) for body in asked if body]
    assert all(TEXT in json.dumps(body["inputs"]) for body in bodies)
    # a busy service is asked again
    assert {body["signature_name"] for body in bodies} == {"nbest", "attend"}


def test_an_emptied_text_empties_the_page(site, open_page):
    page = open_page(site, model="toy")
    type_text(page, TEXT)
    page.locator("#attention-parts:not(.old)").wait_for()
    page.locator("#text").fill("  ")
    page.locator("#state[data-kind=empty]").wait_for()
    assert page.locator("#translation").text_content() == ""
    for part in ("#nbest-part", "#pieces", "#attention-parts"):
        assert page.locator(part).is_hidden()


def test_a_text_that_is_too_long_gives_an_error_with_the_limit(site, open_page):
    page = open_page(site, model="toy")
    page.locator("#text").fill("the dog ran " * 20)
    page.locator("#state[data-kind=error]").wait_for()
    state = page.locator("#state").text_content()
    assert "too long" in state and "the limit is 61" in state
    page.locator("#text").fill("a" * 2001)
    page.locator("#state:text('2001')").wait_for()  # the service's own words


def test_a_busy_service_is_asked_again(site, signatures, open_page):
    page = open_page(site, model="toy")
    free = []

    def refuse_until_free(route):
        if free:
            route.continue_()
        else:
            headers = {"Retry-After": "5"}
            route.fulfill(status=503, headers=headers, json={"error": "full"})

    page.route("**:predict", refuse_until_free)
    type_text(page, TEXT)
    page.locator("#state[data-kind=busy]").wait_for()
    free.append(True)
    wait_for_translation(page, nbest_of(signatures, TEXT)[0][0])


def test_the_token_is_asked_for_and_kept_in_memory_alone(guarded_site, open_page):
    page = open_page(guarded_site)
    for token in ("wrong", "let me in"):
        page.locator("#token-form").wait_for()
        page.locator("#token").fill(token)
        with page.expect_response("**/v1/models"):
            page.keyboard.press("Enter")
    page.locator("#token-form").wait_for(state="hidden")
    type_text(page, "up")
    wait_for_translation(page, "UP1")
    kept = "[document.cookie, localStorage.length, sessionStorage.length]"
    assert page.evaluate(kept) == ["", 0, 0]
    assert page.input_value("#token") == ""


def test_model_and_version_are_chosen(site, open_page):
    page = open_page(site)
    names = page.locator("#model option").all_text_contents()
    assert names == ["recurrent", "toy", "words"]
    assert page.locator("#version").is_hidden()
    page.select_option("#model", "words")
    page.locator("#version").wait_for()
    type_text(page, "up")
    for version, capitals in (("", "UP3"), ("2", "UP2"), ("3", "UP3")):
        page.select_option("#version", version)
        wait_for_translation(page, capitals)
    assert "no signature" in page.locator("#attention-state").text_content()
    assert page.locator("#examples").is_hidden()


def test_examples_are_the_models_own_or_english(site, open_page):
    page = open_page(site, model="recurrent")
    buttons = page.locator("#example-list button")
    assert buttons.all_text_contents() == ["a cat ran", "birds fly"]
    page.select_option("#model", "toy")
    page.locator("#example-list button:text('student')").click()
    assert page.input_value("#text") == "I am a student."
    page.locator("#attention-parts").wait_for()
