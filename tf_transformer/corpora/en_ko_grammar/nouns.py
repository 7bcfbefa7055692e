"""The nouns and names of the grammar, by kind, with their Korean words.

One entry of a table is "english korean". An irregular plural follows a slash
("child/children 아이"), the counter of a thing after the Korean word ("book 책 권").
"""

from typing import NamedTuple

from tf_transformer.corpora.en_ko_grammar.english import plural


class Noun(NamedTuple):
    """A noun: English singular and plural, Korean word, Korean counter.

    `preposition` is "in" or "at" for a place and empty for other nouns.
    """

    english: str
    plural: str
    korean: str
    counter: str = ""
    preposition: str = ""


def _table(text: str, counter: str = "", preposition: str = "") -> dict[str, Noun]:
    nouns = {}
    for entry in text.replace("\n", " ").split(","):
        english, korean, *own_counter = entry.split()
        singular, _, irregular = english.partition("/")
        nouns[singular] = Noun(
            singular,
            irregular or plural(singular),
            korean,
            own_counter[0] if own_counter else counter,
            preposition,
        )
    return nouns


MALE_NAMES = _table(
    """Minsu 민수, Junho 준호, Seojun 서준, Hyunwoo 현우, Tom 톰, Paul 폴"""
)
FEMALE_NAMES = _table(
    """Yuna 유나, Mina 미나, Eunji 은지, Sujin 수진, Anna 안나, Susan 수잔"""
)
NAMES = MALE_NAMES | FEMALE_NAMES

JOBS = _table(
    """student 학생, teacher 선생님, doctor 의사, nurse 간호사, singer 가수,
    farmer 농부, writer 작가, soldier 군인, scientist 과학자, lawyer 변호사,
    chef 요리사, driver 운전사, painter 화가, actor 배우, engineer 기술자,
    reporter 기자, professor 교수, pilot 조종사""",
    counter="명",
)
PEOPLE = JOBS | _table(
    """child/children 아이, boy 소년, girl 소녀, man/men 남자, woman/women 여자,
    friend 친구, neighbor 이웃, guest 손님, grandmother 할머니,
    grandfather 할아버지""",
    counter="명",
)

ANIMALS = _table(
    """dog 개, cat 고양이, animal 동물, horse 말, rabbit 토끼, bear 곰, tiger 호랑이,
    frog 개구리, monkey 원숭이, fox 여우, elephant 코끼리, lion 사자, cow 소, pig 돼지,
    sheep/sheep 양, mouse/mice 쥐, wolf/wolves 늑대, deer/deer 사슴, duck 오리,
    turtle 거북이, goat 염소, squirrel 다람쥐, puppy 강아지, camel 낙타""",
    counter="마리",
)

PLACES = _table(
    """park 공원, library 도서관, hospital 병원, market 시장, restaurant 식당,
    museum 박물관, church 교회, office 사무실, hotel 호텔, store 가게, city 도시,
    village 마을, bakery 빵집, factory 공장, kitchen 부엌, classroom 교실, garden 정원,
    playground 놀이터, bookstore 서점""",
    preposition="in",
) | _table(
    """school 학교, station 역, bank 은행, airport 공항, theater 극장, beach 해변,
    zoo 동물원, farm 농장""",
    preposition="at",
)

# Things that an animal can cross, enter, climb, jump over, pass or swim in.
OBSTACLES = _table(
    """street 길, road 도로, bridge 다리, river 강, field 들판, square 광장,
    valley 계곡, desert 사막, lake 호수, stream 개울, cave 동굴, forest 숲,
    tunnel 터널, barn 헛간 채, house 집 채, room 방, building 건물, mountain 산,
    hill 언덕, tree 나무 그루, ladder 사다리, rock 바위, roof 지붕,
    wall 벽, fence 울타리, gate 대문, sea 바다, pond 연못""",
    counter="개",
)

THINGS = _table(
    """book 책 권, novel 소설 권, magazine 잡지 권, letter 편지 통,
    photo/photos 사진 장, ticket 표 장, map 지도 장, pencil 연필 자루, car 자동차 대,
    bicycle 자전거 대, computer 컴퓨터 대, camera 카메라 대, phone 전화기 대,
    piano/pianos 피아노 대, shirt 셔츠 벌, coat 외투 벌, flower 꽃 송이, rose 장미 송이,
    song 노래 곡, movie 영화 편, bag 가방, box 상자, hat 모자, umbrella 우산,
    chair 의자, table 탁자, desk 책상, bed 침대, cup 컵, ball 공, key 열쇠, clock 시계,
    knife/knives 칼, doll 인형, mirror 거울, window 창문, door 문,
    egg 달걀, apple 사과, orange 오렌지, potato/potatoes 감자, tomato/tomatoes 토마토,
    strawberry 딸기, watermelon 수박, story/stories 이야기, question 질문""",
    counter="개",
)


def things(names: str) -> tuple[Noun, ...]:
    """Returns the things of these names, which are separated by spaces.

    Example:

    >>> [thing.korean for thing in things("book key")]
    ['책', '열쇠']
    """
    return tuple(THINGS[name] for name in names.split())


FURNITURE = things("table desk bed chair piano box")

FOODS = _table(
    """bread 빵, rice 밥, meat 고기, soup 수프, cheese 치즈, fish 생선, kimchi 김치,
    salad 샐러드, cake 케이크, honey 꿀"""
)
DRINKS = _table("milk 우유, water 물, coffee 커피, tea 차, juice 주스")
SUBJECTS_OF_STUDY = _table(
    """English 영어, Korean 한국어, Chinese 중국어, math 수학, history 역사,
    science 과학, music 음악"""
)
SPORTS = _table("soccer 축구, tennis 테니스, baseball 야구, basketball 농구")
# Words without an article and without a plural.
UNCOUNTED = FOODS | DRINKS | SUBJECTS_OF_STUDY | SPORTS

VEHICLES = _table("bus 버스, train 기차, subway 지하철, taxi 택시, ship 배, truck 트럭")
EVENTS = _table(
    """concert 음악회, meeting 회의, class 수업, game 경기, festival 축제, party 파티,
    exam 시험"""
)

NOUNS = (
    NAMES
    | PEOPLE
    | ANIMALS
    | PLACES
    | OBSTACLES
    | THINGS
    | UNCOUNTED
    | VEHICLES
    | EVENTS
)
