"""Translations written by hand for every pattern, and properties of the patterns."""

import difflib
import itertools
from random import Random

import pytest

from tf_transformer.corpora.en_ko_grammar.corpus import PATTERNS, possible_pairs
from tf_transformer.corpora.en_ko_grammar.sentence import choose

# One line: pattern | English | Korean | alignment.
TRANSLATIONS = """
things | The teacher bought three books yesterday. | 그 선생님은 어제 책 세 권을 샀다. | 0-0 1-1 2-6 3-4 3-5 4-3 5-2
things | Minsu wrote a letter. | 민수는 편지를 썼다. | 0-0 1-2 2-1 3-1
things | She often opens this window. | 그녀는 자주 이 창문을 연다. | 0-0 1-1 2-4 3-2 4-3
things in progress | I want to repair my bicycle. | 나는 내 자전거를 고치고 싶다. | 0-0 1-4 2-4 3-3 4-1 5-2
things in progress | Yuna couldn't push that car. | 유나는 저 자동차를 밀 수 없었다. | 0-0 1-4 1-5 2-3 3-1 4-2
uncounted | I drink coffee every morning. | 나는 매일 아침 커피를 마신다. | 0-0 1-4 2-3 3-1 4-2
uncounted | The farmer doesn't eat meat these days. | 그 농부는 요즘 고기를 먹지 않는다. | 0-0 1-1 2-5 3-4 4-3 5-2 6-2
uncounted in progress | We are studying Korean now. | 우리는 지금 한국어를 공부하고 있다. | 0-0 1-4 2-3 3-2 4-1
people | Tom waited for the nurse on Monday. | 톰은 월요일에 그 간호사를 기다렸다. | 0-0 1-4 2-4 3-2 4-3 5-1 6-1
animals | The boys found the puppy last night. | 그 소년들은 어젯밤에 그 강아지를 찾았다. | 0-0 1-1 2-5 3-3 4-4 5-2 6-2
opinions of people | They don't trust the lawyer. | 그들은 그 변호사를 믿지 않는다. | 0-0 1-4 2-3 3-1 4-2
tastes | My friend likes soccer. | 내 친구는 축구를 좋아한다. | 0-0 1-1 2-3 3-2
visits | The scientist will visit the museum next week. | 그 과학자는 다음 주에 박물관을 방문할 것이다. | 0-0 1-1 2-6 3-5 4-4 5-4 6-2 7-3
described things | Anna chose an interesting book. | 안나는 재미있는 책을 골랐다. | 0-0 1-3 2-2 3-1 4-2
food and drink | The man bought bread and milk yesterday. | 그 남자는 어제 빵과 우유를 샀다. | 0-0 1-1 2-5 3-3 4-3 5-4 6-2
pronouns | Mina helped us last year. | 미나는 작년에 우리를 도왔다. | 0-0 1-3 2-2 3-1 4-1
gifts to people | He gave a key to the guest. | 그는 그 손님에게 열쇠를 줬다. | 0-0 1-4 2-3 3-3 4-2 5-1 6-2
gifts to names | The woman will lend an umbrella to Junho tomorrow. | 그 여자는 내일 준호에게 우산을 빌려줄 것이다. | 0-0 1-1 2-6 3-5 4-4 5-4 6-3 7-3 8-2
moves | The dog ran to the park on Sunday. | 그 개는 일요일에 공원으로 뛰어갔다. | 0-0 1-1 2-4 3-3 4-3 5-3 6-2 7-2
rides | I go to the school by subway every day. | 나는 매일 지하철로 학교에 간다. | 0-0 1-4 2-3 3-3 4-3 5-2 6-2 7-1 8-1
together | We went to the beach with Tom. | 우리는 톰과 함께 해변에 갔다. | 0-0 1-4 2-3 3-3 4-3 5-2 6-1
stays | The children laughed in the library. | 그 아이들은 도서관에서 웃었다. | 0-0 1-1 2-3 3-2 4-2 5-2
actions in places | Sujin sings a song at the school every day. | 수진은 매일 학교에서 노래를 부른다. | 0-0 1-4 2-3 3-3 4-2 5-2 6-2 7-1 8-1
jobs | She is not a doctor. | 그녀는 의사가 아니다. | 0-0 1-2 2-2 3-1 4-1
jobs | He was an engineer. | 그는 기술자였다. | 0-0 1-1 2-1 3-1
jobs of several | Tom and Anna are students. | 톰과 안나는 학생이다. | 0-0 1-0 2-1 3-2 4-2
described people | His friend is an honest chef. | 그의 친구는 정직한 요리사다. | 0-0 1-1 2-3 3-3 4-2 5-3
this and that | That was not my hat. | 저것은 내 모자가 아니었다. | 0-0 1-3 2-3 3-1 4-2
states of people | The nurses were very busy. | 그 간호사들은 아주 바빴다. | 0-0 1-1 2-3 3-2 4-3
states of animals | The rabbit is not very slow. | 그 토끼는 그다지 느리지 않다. | 0-0 1-1 2-4 3-4 4-2 5-3
states of things | The box was too heavy. | 상자는 너무 무거웠다. | 0-0 1-0 2-2 3-1 4-2
states of places | The street is really wide. | 길은 정말 넓다. | 0-0 1-0 2-2 3-1 4-2
states of foods | The soup was not salty. | 수프는 짜지 않았다. | 0-0 1-0 2-2 3-2 4-1
states of foods | Math is difficult. | 수학은 어렵다. | 0-0 1-1 2-1
comparisons | The dog is bigger than the cat. | 그 개는 그 고양이보다 더 크다. | 0-0 1-1 2-5 3-4 3-5 4-3 5-2 6-3
where things are | The cat was not under the table. | 그 고양이는 탁자 아래에 없었다. | 0-0 1-1 2-4 3-4 4-3 5-2 6-2
what is there | There is a ball in front of the box. | 상자 앞에 공이 있다. | 0-3 1-3 2-2 3-2 4-1 5-1 6-1 7-0 8-0
how many there are | There are three cats in the kitchen. | 부엌에 고양이가 세 마리 있다. | 0-4 1-4 2-2 2-3 3-1 4-0 5-0 6-0
born | Mina was born on March 3. | 미나는 3월 3일에 태어났다. | 0-0 1-3 2-3 3-2 4-1 5-2
birthdays | Tom's birthday is December 25. | 톰의 생일은 12월 25일이다. | 0-0 1-1 2-3 3-2 4-3
events on dates | The exam will end on June 10. | 시험은 6월 10일에 끝날 것이다. | 0-0 1-0 2-4 3-3 4-2 5-1 6-2
events at hours | The concert starts at seven o'clock on Friday. | 음악회는 금요일 일곱 시에 시작한다. | 0-0 1-0 2-4 3-3 4-2 5-3 6-1 7-1
it is the animal | The dog couldn't cross the bridge because it was too scared. | 그 개는 너무 두려워서 다리를 건널 수 없었다. | 0-0 1-1 2-6 2-7 3-5 4-4 5-4 6-3 7-1 8-3 9-2 10-3
it is the thing | The dog couldn't cross the bridge because it was too narrow. | 다리가 너무 좁아서 그 개는 다리를 건널 수 없었다. | 0-3 1-4 2-7 2-8 3-6 4-5 5-5 6-2 7-0 8-2 9-1 10-2
it is the thing | The bear won't climb the tree because it is very high. | 나무가 아주 높아서 그 곰은 나무에 오르지 않을 것이다. | 0-3 1-4 2-7 2-8 3-6 4-5 5-5 6-2 7-0 8-2 9-1 10-2
he or she | Anna didn't go to the school because she was too sick. | 안나는 너무 아파서 학교에 가지 않았다. | 0-0 1-5 2-4 3-3 4-3 5-3 6-2 7-0 8-2 9-1 10-2
"""  # noqa: E501

BY_NAME = {pattern.name: pattern for pattern in PATTERNS}
LINES = [
    [cell.strip() for cell in line.split("|")]
    for line in TRANSLATIONS.strip().splitlines()
]


def find(pattern, source: str):
    """Looks for the sentence: takes the best option of one slot after the other."""
    random = Random(source)

    def likeness(options) -> float:
        text = pattern.sentence(*options).example.source
        words = difflib.SequenceMatcher(None, text.split(), source.split(), False)
        letters = difflib.SequenceMatcher(None, text, source, False)
        return words.ratio() + letters.ratio()

    for _ in range(10):
        options = [choose(random, slot) for slot in pattern.slots]
        for number in [*range(len(options))] * 3:
            before, after = options[:number], options[number + 1 :]
            tries = [[*before, option, *after] for option in pattern.slots[number]]
            options = max(tries, key=likeness)
        if likeness(options) == 2.0:
            break
    return pattern.sentence(*options).example


@pytest.mark.parametrize("name, source, target, alignment", LINES)
def test_translation(name, source, target, alignment):
    example = find(BY_NAME[name], source)
    assert example.source == source
    assert example.target == target
    assert example.alignment == alignment


def test_every_pattern_has_a_translation_by_hand():
    assert {line[0] for line in LINES} == set(BY_NAME)


@pytest.mark.slow
def test_different_choices_make_different_sentences():
    enumerated = set()
    expected = 0
    for pattern in PATTERNS:
        if pattern.size < 12_000:
            expected += pattern.size
            for options in itertools.product(*pattern.slots):
                enumerated.add(pattern.sentence(*options).example.source)
    assert len(enumerated) == expected > 40_000
    assert possible_pairs() == sum(pattern.size for pattern in PATTERNS) > 14_000_000


@pytest.mark.parametrize("name", BY_NAME)
def test_every_slot_changes_the_sentence(name):
    pattern = BY_NAME[name]
    random = Random(name)
    options = [slot[int(random.random() * len(slot))] for slot in pattern.slots]
    for number, slot in enumerate(pattern.slots):
        sources = {
            pattern.sentence(
                *options[:number], option, *options[number + 1 :]
            ).example.source
            for option in slot
        }
        assert len(sources) == len(slot)


@pytest.mark.slow
def test_one_english_sentence_has_one_korean_sentence():
    random = Random("functional")
    translations = {}
    for pattern in PATTERNS:
        for _ in range(400):
            source, target, *_ = pattern.sample(random).example
            assert translations.setdefault(source, target) == target
