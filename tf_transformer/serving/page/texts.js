// The texts of the page in English and Korean, except the English texts of index.html.

const ENGLISH = {
  start: "start", end: "end", unknown: "unknown", padding: "padding",
  special: "the {name}", byte: "byte {name}", space: "a space", spaceAlone: "space",
  words: "Words", tokens: "Tokens",
  encoder: "Encoder", decoder: "Decoder", cross: "Cross",
  encoderTitle: "Encoder self-attention",
  decoderTitle: "Decoder self-attention",
  crossTitle: "Cross-attention",
  encoderQueries: "Source words (queries)",
  encoderKeys: "Source words they attend to (keys)",
  decoderQueries: "Translated words (queries)",
  decoderKeys: "Previous words they attend to (keys)",
  crossQueries: "Translated words (queries)",
  crossKeys: "Source words they attend to (keys)",
  head: "layer {layer}, head {head}",
  headOf: "{title}, {head}",
  layer: "Layer {layer}",
  entropy: "{head}, entropy {entropy}",
  attendsTo: "{word} attends to {most}",
  attendedBy: "{word} is attended to by {most}",
  nothing: "nothing",
  sourceTokens: "The text: {count} tokens",
  targetTokens: "The translation: {count} tokens",
  crossOnly: "This model has cross-attention only.",
  text: "Text", translation: "Translation",
  appearsAttention: "Attention is shown here.",
  appears: "The translation appears here as you type.",
  translating: "Translating\u2026",
  looking: "Looking for models\u2026",
  noModel: "No model is ready yet. Trying again soon.",
  busy: "The service is busy. Trying again soon.",
  noTranslator: "The answer of this model has no translations with scores: it is not a "
    + "translator.",
  noAttend: "This model has no signature \u201cattend\u201d: tokens and attention cannot be "
    + "shown.",
  notDrawn: "Attention is not drawn automatically for more than {most} characters.",
  cannotDraw: "Attention cannot be drawn. {message}",
  tooLong: "This text is too long for the model: it has {received} tokens with the end "
    + "token, and the limit is {limit}.",
  needsToken: "The service requires an access token.",
  noAnswer: "The service does not answer.",
  status: "The service answered with status {status}.",
  notJson: "The answer is not JSON: {message}",
  newest: "newest ({version})",
  model: "Model", version: "Version", weights: "Parameters", longest: "Longest text",
  longestTokens: "{count} tokens with the end token",
  search: "Search", beam: "beam search, {size} beams, length penalty \u03b1 = {alpha}",
  madeBy: "Exported by",
  itNote: "\u201cIt\u201d can mean the animal or the street, and Korean has to name it. "
    + "Which heads attend to \u201c{noun}\u201d while {word} is generated?",
};

const KOREAN = {
  start: "시작", end: "끝", unknown: "모르는 토큰", padding: "패딩",
  special: "{name} 토큰", byte: "바이트 {name}", space: "빈칸", spaceAlone: "빈칸",
  words: "단어", tokens: "토큰",
  encoder: "인코더", decoder: "디코더", cross: "크로스",
  encoderTitle: "인코더 셀프 어텐션",
  decoderTitle: "디코더 셀프 어텐션",
  crossTitle: "크로스 어텐션",
  encoderQueries: "원문의 단어(쿼리)",
  encoderKeys: "어텐션을 받는 원문의 단어(키)",
  decoderQueries: "번역문의 단어(쿼리)",
  decoderKeys: "어텐션을 받는 앞 단어(키)",
  crossQueries: "번역문의 단어(쿼리)",
  crossKeys: "어텐션을 받는 원문의 단어(키)",
  head: "{layer}층 헤드 {head}",
  headOf: "{title}, {head}",
  layer: "{layer}층",
  entropy: "{head}, 엔트로피 {entropy}",
  attendsTo: "{word}의 어텐션: {most}",
  attendedBy: "{word}에 어텐션을 주는 단어: {most}",
  nothing: "없음",
  sourceTokens: "원문: 토큰 {count}개",
  targetTokens: "번역문: 토큰 {count}개",
  crossOnly: "이 모델에는 크로스 어텐션만 있습니다.",
  text: "원문", translation: "번역문",
  appearsAttention: "어텐션이 여기에 표시됩니다.",
  appears: "입력하면 번역문이 여기에 나타납니다.",
  translating: "번역하고 있습니다\u2026",
  looking: "모델을 찾고 있습니다\u2026",
  noModel: "아직 준비된 모델이 없습니다. 잠시 후 다시 시도합니다.",
  busy: "서비스가 바쁩니다. 잠시 후 다시 시도합니다.",
  noTranslator: "이 모델의 응답에는 점수가 있는 번역문이 없습니다. 번역 모델이 아닙니다.",
  noAttend: "이 모델에는 \u201cattend\u201d 시그니처가 없어서 토큰과 어텐션을 표시할 수 없습니다.",
  notDrawn: "{most}자를 넘는 글의 어텐션은 자동으로 그리지 않습니다.",
  cannotDraw: "어텐션을 그릴 수 없습니다. {message}",
  tooLong: "모델이 처리하기에는 글이 너무 깁니다. 끝 토큰을 포함해 토큰이 {received}개인데, 최대 "
    + "{limit}개까지 처리할 수 있습니다.",
  needsToken: "이 서비스를 사용하려면 접근 토큰이 필요합니다.",
  noAnswer: "서비스가 응답하지 않습니다.",
  status: "서비스가 상태 코드 {status}로 응답했습니다.",
  notJson: "응답이 JSON이 아닙니다. {message}",
  newest: "최신({version})",
  model: "모델", version: "버전", weights: "파라미터 수", longest: "최대 길이",
  longestTokens: "끝 토큰을 포함해 토큰 {count}개",
  search: "탐색", beam: "빔 탐색, 빔 크기 {size}, 길이 벌점 \u03b1 = {alpha}",
  madeBy: "내보낸 환경",
  itNote: "여기서 \u201cit\u201d은 동물일 수도, 길일 수도 있으며 한국어로는 무엇인지 밝혀야 "
    + "합니다. \u201c{word}\u201d 부분을 생성할 때 어느 헤드가 \u201c{noun}\u201d에 어텐션을 줄까요?",
};

// Texts of elements of index.html, by `data-text`, `data-label` and `data-placeholder`.
const KOREAN_PAGE = {
  pageTitle: "번역기",
  noscript: "이 페이지를 보려면 JavaScript가 필요합니다.",
  tokenLabel: "이 서비스를 사용하려면 접근 토큰을 입력해야 합니다.",
  tokenSend: "계속",
  tokenHint: "토큰은 페이지를 닫을 때까지만 보관하며, 다른 곳에는 저장하지 않습니다.",
  placeholder: "문장을 입력하세요",
  examples: "예문",
  nbest: "탐색으로 찾은 번역(좋은 순서)",
  nbestHint: "숫자는 번역문의 확률 P에 자연로그를 취한 값이고, 막대는 P입니다. 순서를 정할 때는 "
    + "탐색과 마찬가지로 길이도 반영합니다. 첫 번째 번역과 다른 단어에는 밑줄을 그었습니다.",
  tokensHint: "모델이 읽고 쓰는 단위입니다. \u2423는 단어가 시작하는 자리를 나타냅니다. 테두리 안의 "
    + "두 글자는 드문 문자의 바이트 하나를 16진수로 나타낸 것입니다.",
  attention: "어텐션",
  kinds: "어텐션의 종류",
  units: "표시 단위",
  drawAnyway: "그리기",
  loomHint: "단어를 마우스로 가리키거나 Tab과 화살표 키로 선택하세요. 클릭하거나 Enter를 누르면 "
    + "선택이 고정되고, Escape를 누르면 해제됩니다.",
  allHeads: "모든 헤드",
  headsHint: "각 그림은 헤드 하나의 어텐션 행렬입니다. 행은 쿼리, 열은 키이며, 색이 짙을수록 가중치가 "
    + "큽니다. 단어 단위에서는 토큰들의 행을 평균하고 열을 더합니다. 막대는 정규화한 엔트로피입니다. "
    + "0이면 토큰마다 토큰 하나에만 어텐션을 주고, 1이면 모든 토큰에 고르게 줍니다.",
  about: "이 모델에 대하여",
};

const preferred = navigator.languages?.[0] ?? navigator.language ?? "";
export const language = /^ko\b/i.test(preferred) ? "ko" : "en";

const texts = language === "ko" ? KOREAN : ENGLISH;

// A text with its {names} replaced by values.
export function text(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// Shows the page in the browser's language.
export function translatePage() {
  document.documentElement.lang = language;
  if (language !== "ko") return;
  const korean = (key) => KOREAN_PAGE[key] ?? KOREAN[key];
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = korean(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.ariaLabel = korean(element.dataset.label);
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = korean(element.dataset.placeholder);
  }
}
