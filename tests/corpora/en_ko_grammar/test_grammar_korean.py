"""Korean forms against tables written by hand."""

import pytest

from tf_transformer.corpora.en_ko_grammar import korean

PARTICLES = """
학생 topic 학생은 | 의사 topic 의사는 | 길 topic 길은 | 개 topic 개는
동물 subject 동물이 | 다리 subject 다리가 | 강 subject 강이 | 바다 subject 바다가
책 object 책을 | 편지 object 편지를 | 물 object 물을 | 차 object 차를
빵 and 빵과 | 우유 and 우유와 | 꿀 and 꿀과 | 톰 and 톰과
버스 by 버스로 | 지하철 by 지하철로 | 트럭 by 트럭으로 | 시장 by 시장으로
마을 by 마을로 | 학교 to 학교에 | 공원 in 공원에서 | 선생님 recipient 선생님에게
학생 is 학생이다 | 의사 is 의사다 | 학생 was 학생이었다 | 의사 was 의사였다
"""

# word, irregular class or "-", infinitive, past, because
INFINITIVES = """
가다 - 가 갔다 가서 | 건너다 - 건너 건넜다 건너서 | 보다 - 봐 봤다 봐서
오다 - 와 왔다 와서 | 주다 - 줘 줬다 줘서 | 배우다 - 배워 배웠다 배워서
마시다 - 마셔 마셨다 마셔서 | 가르치다 - 가르쳐 가르쳤다 가르쳐서
보내다 - 보내 보냈다 보내서 | 되다 - 돼 됐다 돼서 | 쉬다 - 쉬어 쉬었다 쉬어서
먹다 - 먹어 먹었다 먹어서 | 읽다 - 읽어 읽었다 읽어서 | 찾다 - 찾아 찾았다 찾아서
앉다 - 앉아 앉았다 앉아서 | 얇다 - 얇아 얇았다 얇아서
만들다 - 만들어 만들었다 만들어서
팔다 - 팔아 팔았다 팔아서 | 씻다 - 씻어 씻었다 씻어서 | 닫다 - 닫아 닫았다 닫아서
피곤하다 - 피곤해 피곤했다 피곤해서 | 공부하다 - 공부해 공부했다 공부해서
쓰다 - 써 썼다 써서 | 크다 - 커 컸다 커서 | 바쁘다 - 바빠 바빴다 바빠서
아프다 - 아파 아팠다 아파서 | 슬프다 - 슬퍼 슬펐다 슬퍼서 | 예쁘다 - 예뻐 예뻤다 예뻐서
배고프다 - 배고파 배고팠다 배고파서 | 넓다 - 넓어 넓었다 넓어서 | 짜다 - 짜 짰다 짜서
춥다 ㅂ 추워 추웠다 추워서 | 돕다 ㅂ 도와 도왔다 도와서
무겁다 ㅂ 무거워 무거웠다 무거워서
가볍다 ㅂ 가벼워 가벼웠다 가벼워서 | 아름답다 ㅂ 아름다워 아름다웠다 아름다워서
굽다 ㅂ 구워 구웠다 구워서 | 듣다 ㄷ 들어 들었다 들어서 | 걷다 ㄷ 걸어 걸었다 걸어서
깨닫다 ㄷ 깨달아 깨달았다 깨달아서 | 짓다 ㅅ 지어 지었다 지어서
낫다 ㅅ 나아 나았다 나아서
모르다 르 몰라 몰랐다 몰라서 | 부르다 르 불러 불렀다 불러서
빠르다 르 빨라 빨랐다 빨라서
목마르다 르 목말라 목말랐다 목말라서 | 게으르다 르 게을러 게을렀다 게을러서
빨갛다 ㅎ 빨개 빨갰다 빨개서 | 하얗다 ㅎ 하얘 하얬다 하얘서
"""

PRESENTS = """
가다 간다 | 건너다 건넌다 | 먹다 먹는다 | 읽다 읽는다 | 만들다 만든다 | 팔다 판다
듣다 듣는다 | 돕다 돕는다 | 짓다 짓는다 | 부르다 부른다 | 쓰다 쓴다 | 공부하다 공부한다
울다 운다 | 자다 잔다 | 닫다 닫는다 | 씻다 씻는다 | 춤추다 춤춘다
"""

# word, irregular class or "-", the form before 것이다
PROSPECTIVES = """
가다 - 갈 | 먹다 - 먹을 | 만들다 - 만들 | 돕다 ㅂ 도울 | 굽다 ㅂ 구울 | 듣다 ㄷ 들을
짓다 ㅅ 지을 | 부르다 르 부를 | 쓰다 - 쓸 | 읽다 - 읽을 | 씻다 - 씻을 | 하다 - 할
"""

ADNOMINALS = """
크다 - 큰 | 작다 - 작은 | 길다 - 긴 | 둥글다 - 둥근 | 달다 - 단 | 무겁다 ㅂ 무거운
아름답다 ㅂ 아름다운 | 빨갛다 ㅎ 빨간 | 하얗다 ㅎ 하얀 | 재미있다 - 재미있는
친절하다 - 친절한 | 빠르다 르 빠른 | 예쁘다 - 예쁜 | 짧다 - 짧은 | 얇다 - 얇은
"""


def rows(table: str) -> list[list[str]]:
    cells = table.replace("\n", "|").split("|")
    return [
        ["" if word == "-" else word for word in cell.split()]
        for cell in cells
        if cell.strip()
    ]


@pytest.mark.parametrize("word, particle, expected", rows(PARTICLES))
def test_the_particle_follows_the_last_letter(word, particle, expected):
    assert korean.with_particle(word, particle) == expected


@pytest.mark.parametrize("word, irregular, base, past, because", rows(INFINITIVES))
def test_infinitive_past_and_reason(word, irregular, base, past, because):
    assert korean.infinitive(word, irregular) == base
    assert korean.past(word, irregular) == past
    assert korean.because(word, irregular) == because


@pytest.mark.parametrize("word, expected", rows(PRESENTS))
def test_present(word, expected):
    assert korean.present(word) == expected


@pytest.mark.parametrize("word, irregular, expected", rows(PROSPECTIVES))
def test_form_of_the_future(word, irregular, expected):
    assert korean.prospective(word, irregular) == expected


@pytest.mark.parametrize("word, irregular, expected", rows(ADNOMINALS))
def test_form_before_a_noun(word, irregular, expected):
    assert korean.adnominal(word, irregular) == expected


def test_syllables_survive_being_taken_apart():
    for number in range(0xAC00, 0xD7A4, 7):
        syllable = chr(number)
        assert korean.put_together(*korean.take_apart(syllable)) == syllable


def test_wrong_words_are_refused():
    with pytest.raises(ValueError, match="Received: 'A'"):
        korean.with_particle("A", "topic")
    with pytest.raises(ValueError, match="Received: 'with'"):
        korean.with_particle("길", "with")
    with pytest.raises(ValueError, match="Received: '길'"):
        korean.past("길")
    with pytest.raises(ValueError, match="Received: 'ㅋ'"):
        korean.past("가다", "ㅋ")
