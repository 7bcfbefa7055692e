"""The verbs of the grammar, with the nouns that they take.

One line of a table is "english korean = nouns". A past that is irregular follows
a slash ("write/wrote 쓰다"), a Korean irregular class after a dot ("돕다.ㅂ").
An underscore joins the words of a verb such as "jump_over".
"""

from typing import NamedTuple

from tf_transformer.corpora.en_ko_grammar.english import regular_past
from tf_transformer.corpora.en_ko_grammar.nouns import (
    ANIMALS,
    NOUNS,
    PEOPLE,
    PLACES,
    UNCOUNTED,
    Noun,
)


class Verb(NamedTuple):
    """A verb: English base and past, Korean dictionary form and irregular class.

    `particle` is the Korean particle of the noun that the verb takes, and
    `preposition` the English word before that noun, or an empty string.
    """

    english: str
    past: str
    korean: str
    irregular: str = ""
    particle: str = "object"
    preposition: str = ""


class Action(NamedTuple):
    """A verb together with one noun that it can take."""

    verb: Verb
    noun: Noun


def parse_verb(text: str, particle: str = "object", preposition: str = "") -> Verb:
    """Reads one verb in the format of the tables.

    Example:

    >>> parse_verb("write/wrote 쓰다")
    Verb(english='write', past='wrote', korean='쓰다', irregular='', \
particle='object', preposition='')
    """
    english, korean = text.split()
    english, _, past = english.partition("/")
    korean, _, irregular = korean.partition(".")
    first, *rest = english.split("_")
    base = " ".join([first, *rest])
    past = " ".join([past or regular_past(first), *rest])
    return Verb(base, past, korean, irregular, particle, preposition)


def _actions(text: str, nouns: dict[str, Noun] = NOUNS) -> tuple[Action, ...]:
    actions = []
    for line in text.strip().splitlines():
        verb_text, _, noun_text = line.partition("=")
        verb = parse_verb(verb_text)
        names = noun_text.split() or list(nouns)
        actions.extend(Action(verb, nouns[name]) for name in names)
    return tuple(actions)


# "a book", "my book", "three books".
THING_ACTIONS = _actions(
    """
    read/read 읽다 = book novel magazine letter
    write/wrote 쓰다 = letter novel story song
    buy/bought 사다 = book magazine ticket pencil car bicycle camera coat rose hat
    sell/sold 팔다 = car bicycle computer piano bag umbrella clock doll watermelon
    find/found 찾다 = map ticket key ball phone photo doll coat
    make/made 만들다 = chair table box doll desk bag movie bed
    carry 나르다.르 = box chair table desk mirror bed
    open 열다 = door window box bag letter
    close 닫다 = door window box
    draw/drew 그리다 = flower map rose tree house apple
    sing/sang 부르다.르 = song
    hear/heard 듣다.ㄷ = song story question
    throw/threw 던지다 = ball cup hat egg tomato
    wash 씻다 = cup apple potato tomato knife strawberry
    repair 고치다 = car bicycle computer clock camera piano umbrella
    borrow 빌리다 = book pencil umbrella camera knife cup
    lose/lost 잃어버리다 = key ticket phone hat bag umbrella
    choose/chose 고르다.르 = hat shirt book movie question song
    push 밀다 = car box desk bicycle door
    see/saw 보다 = movie photo mirror clock flower
    use 사용하다 = computer phone camera pencil knife
    build/built 짓다.ㅅ = house wall barn bridge
    bake 굽다.ㅂ = potato egg apple
    pick_up 줍다.ㅂ = ball key pencil hat flower orange
    break/broke 깨다 = cup mirror window egg
    """
)
# "bread", "math": no article.
UNCOUNTED_ACTIONS = _actions(
    """
    eat/ate 먹다 = bread rice meat soup cheese fish kimchi salad cake honey
    drink/drank 마시다 = milk water coffee tea juice
    buy/bought 사다 = bread meat fish milk juice cheese
    bake 굽다.ㅂ = bread cake fish meat
    sell/sold 팔다 = bread coffee honey cheese salad
    learn 배우다 = English Korean Chinese math history science music
    teach/taught 가르치다 = English Korean Chinese math history science music
    study 공부하다 = English Korean Chinese math history science
    play 하다 = soccer tennis baseball basketball
    """
)
MEETINGS = _actions(
    "help 돕다.ㅂ\nmeet/met 만나다\nsee/saw 보다\nwait_for 기다리다", PEOPLE
)
SIGHTS = _actions("see/saw 보다\nfind/found 찾다\ndraw/drew 그리다", ANIMALS)
VISITS = _actions("visit 방문하다\nleave/left 떠나다", PLACES) + _actions(
    "clean 청소하다 = kitchen classroom office restaurant store library garden room"
)
# In the present without a time: "I like coffee."
OPINIONS_OF_PEOPLE = _actions(
    "like 좋아하다\nhate 싫어하다\nlove 사랑하다\nremember 기억하다\ntrust 믿다", PEOPLE
)
TASTES = _actions("like 좋아하다\nhate 싫어하다", ANIMALS | UNCOUNTED)


MOVES = (
    parse_verb("go/went 가다", "to", "to"),
    parse_verb("come/came 오다", "to", "to"),
    parse_verb("run/ran 뛰어가다", "by", "to"),
    parse_verb("walk 걸어가다", "by", "to"),
    parse_verb("return 돌아가다", "by", "to"),
)
STAYS = (
    parse_verb("work 일하다", "in"),
    parse_verb("rest 쉬다", "in"),
    parse_verb("sleep/slept 자다", "in"),
    parse_verb("dance 춤추다", "in"),
    parse_verb("cry 울다", "in"),
    parse_verb("laugh 웃다", "in"),
    parse_verb("exercise 운동하다", "in"),
    parse_verb("arrive 도착하다", "to"),
)
GIFTS = (
    parse_verb("give/gave 주다"),
    parse_verb("send/sent 보내다"),
    parse_verb("show 보여주다"),
    parse_verb("lend/lent 빌려주다"),
)
START = parse_verb("start 시작하다", "topic")
END = parse_verb("end 끝나다", "topic")
