"""The adjectives of the grammar, with the nouns that they can describe.

One line of a table is "english korean = nouns"; a Korean irregular class follows
a dot ("heavy 무겁다.ㅂ").
"""

from typing import NamedTuple

from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS, Noun


class Adjective(NamedTuple):
    """An adjective: English word, Korean dictionary form and irregular class."""

    english: str
    korean: str
    irregular: str = ""


class Description(NamedTuple):
    """An adjective together with one noun that it can describe."""

    adjective: Adjective
    noun: Noun


def _adjective(text: str) -> Adjective:
    english, korean = text.split()
    korean, _, irregular = korean.partition(".")
    return Adjective(english, korean, irregular)


def _adjectives(text: str) -> dict[str, Adjective]:
    adjectives = [_adjective(entry) for entry in text.replace("\n", " ").split(",")]
    return {adjective.english: adjective for adjective in adjectives}


def _descriptions(text: str) -> tuple[Description, ...]:
    descriptions = []
    for line in text.strip().splitlines():
        entry, _, names = line.partition("=")
        adjective = _adjective(entry)
        ADJECTIVES[adjective.english] = adjective
        descriptions.extend(Description(adjective, NOUNS[n]) for n in names.split())
    return tuple(descriptions)


# Adjectives for persons and animals only.
FEELINGS_OF_ANIMALS = _adjectives(
    """tired 피곤하다, hungry 배고프다, thirsty 목마르다.르, sick 아프다, sleepy 졸리다,
    young 어리다, lazy 게으르다.르, nervous 초조하다, scared 두렵다.ㅂ, sad 슬프다,
    anxious 불안하다, dizzy 어지럽다.ㅂ"""
)
# Reasons of a person; "scared" is omitted because 두렵다 is for the speaker's feelings.
STATES_OF_PEOPLE = _adjectives(
    """tired 피곤하다, hungry 배고프다, thirsty 목마르다.르, sick 아프다, sleepy 졸리다,
    lazy 게으르다.르, nervous 초조하다, sad 슬프다, anxious 불안하다, dizzy 어지럽다.ㅂ,
    busy 바쁘다, lonely 외롭다.ㅂ"""
)
TRAITS_OF_PEOPLE = _adjectives(
    """kind 친절하다, smart 똑똑하다, brave 용감하다, honest 정직하다,
    diligent 부지런하다, polite 공손하다, famous 유명하다, rich 부유하다,
    poor 가난하다, healthy 건강하다, lazy 게으르다.르, busy 바쁘다"""
)
TRAITS_OF_ANIMALS = _adjectives(
    """big 크다, small 작다, fast 빠르다.르, slow 느리다, strong 강하다, cute 귀엽다.ㅂ,
    smart 똑똑하다, brave 용감하다, young 어리다, lazy 게으르다.르, hungry 배고프다,
    sick 아프다, healthy 건강하다"""
)
COMPARED = tuple(
    TRAITS_OF_ANIMALS[word] for word in ("big", "small", "fast", "slow", "cute")
)
REASONS_OF_THINGS = _adjectives(
    """wide 넓다, narrow 좁다, dangerous 위험하다, dark 어둡다.ㅂ, long 길다, high 높다,
    deep 깊다, steep 가파르다.르, slippery 미끄럽다.ㅂ, crowded 붐비다, bright 밝다,
    salty 짜다, spicy 맵다.ㅂ, bitter 쓰다, hard 딱딱하다"""
)
ADJECTIVES = (
    FEELINGS_OF_ANIMALS
    | STATES_OF_PEOPLE
    | TRAITS_OF_PEOPLE
    | TRAITS_OF_ANIMALS
    | REASONS_OF_THINGS
)

# "a heavy box" and "the box is heavy".
DESCRIBED_THINGS = _descriptions(
    """
    big 크다 = box bag table umbrella clock bed mirror map
    small 작다 = box bag table key cup chair doll camera
    heavy 무겁다.ㅂ = box bag table desk piano chair
    light 가볍다.ㅂ = bag chair computer camera bicycle umbrella
    expensive 비싸다 = car computer camera piano coat clock ticket watermelon
    cheap 싸다 = pencil cup umbrella doll book bag shirt
    pretty 예쁘다 = flower doll hat cup shirt rose
    red 빨갛다.ㅎ = rose apple hat umbrella ball shirt car
    blue 파랗다.ㅎ = bag hat coat cup car bicycle ball
    yellow 노랗다.ㅎ = flower shirt umbrella hat ball pencil
    white 하얗다.ㅎ = shirt flower cup coat car rose
    round 둥글다 = table mirror box clock
    long 길다 = letter novel story movie
    short 짧다 = letter story novel song movie
    thick 두껍다.ㅂ = book novel magazine coat
    thin 얇다 = book magazine coat shirt
    interesting 재미있다 = book novel movie story
    boring 지루하다 = movie novel story book
    difficult 어렵다.ㅂ = book question song
    easy 쉽다.ㅂ = question book song
    important 중요하다 = letter key question photo
    useful 유용하다 = book map computer knife phone
    beautiful 아름답다.ㅂ = flower song photo rose
    dirty 더럽다.ㅂ = cup shirt bag window mirror
    sturdy 튼튼하다 = chair table desk box
    comfortable 편하다 = chair bed coat car shirt
    fresh 신선하다 = apple egg tomato strawberry orange
    sweet 달다 = apple watermelon strawberry orange
    delicious 맛있다 = apple potato tomato strawberry
    """
)
DESCRIBED_PLACES = _descriptions(
    """
    wide 넓다 = street road river park field square bridge playground
    narrow 좁다 = street road bridge room tunnel kitchen
    dangerous 위험하다 = street road bridge mountain desert cave
    dark 어둡다.ㅂ = street room cave tunnel forest library theater valley
    slippery 미끄럽다.ㅂ = street road bridge rock roof
    high 높다 = mountain hill tree wall fence building
    deep 깊다 = river lake sea pond valley forest
    shallow 얕다 = river lake pond stream
    steep 가파르다.르 = mountain hill roof valley
    bright 밝다 = room classroom office house
    quiet 조용하다 = library room village park church
    noisy 시끄럽다.ㅂ = market station street restaurant classroom
    safe 안전하다 = bridge road building village street park
    famous 유명하다 = museum restaurant theater hotel bakery
    beautiful 아름답다.ㅂ = garden beach forest lake mountain valley
    far 멀다 = school station hospital airport zoo market
    dirty 더럽다.ㅂ = kitchen street river factory
    big 크다 = city hospital museum store
    small 작다 = village store room barn farm
    """
)
DESCRIBED_FOODS = _descriptions(
    """
    hot 뜨겁다.ㅂ = soup tea coffee water milk rice
    cold 차갑다.ㅂ = water milk juice coffee soup
    sweet 달다 = honey cake juice coffee
    delicious 맛있다 = bread meat soup fish cake rice cheese
    fresh 신선하다 = milk fish meat salad juice
    salty 짜다 = soup cheese fish kimchi meat
    spicy 맵다.ㅂ = kimchi soup salad meat
    bitter 쓰다 = coffee tea juice
    hard 딱딱하다 = bread cheese cake
    difficult 어렵다.ㅂ = math English Korean Chinese science history
    easy 쉽다.ㅂ = math English Korean music
    """
)
# A question is not bought or sold.
GOODS = tuple(
    description
    for description in DESCRIBED_THINGS
    if description.noun.english not in ("question", "story", "song")
)
