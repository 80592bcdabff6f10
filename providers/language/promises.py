"""Action items by rule, for English: promises, duties, requests and plain imperatives, with owner and due date.

Rules rather than a model: what they find can be explained by pointing at the words. They would rather miss an item
than invent one: talk about the talk itself ("we'll see", "let's look at") is no action.
"""

import re

from providers.language.sentences import Sentence
from schemas.analyses import ActionItem

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_SPAN = r"(?:day|week|month|quarter|year|sprint|semester|term)"
_MOMENT = (
    rf"(?:(?:the )?end of (?:the |this |next )?{_SPAN}|(?:next|this) (?:{_SPAN}|{_DAY}|morning|afternoon|evening)|"
    rf"{_DAY}(?: (?:morning|afternoon|evening|noon|night))?|tomorrow(?: (?:morning|afternoon|evening|night))?|today|"
    rf"tonight|noon|midnight|{_MONTH}(?: (?:the )?\d{{1,2}}(?:st|nd|rd|th)?)?|the \d{{1,2}}(?:st|nd|rd|th)|"
    r"\d{1,2}(?::\d\d)? ?(?:am|pm|o'clock)|\d{1,2}/\d{1,2}(?:/\d{2,4})?)"
)
_DUE = re.compile(
    rf"\b(?:(?:by|before|until|on|no later than|due) {_MOMENT}|today|tonight|tomorrow(?: \w+ing)?|"
    rf"(?<!the )(?:next|this) (?:{_SPAN}|{_DAY}|afternoon|evening)|"
    rf"(?:with)?in (?:an?|one|two|three|four|five|\d+) (?:hour|{_SPAN})s?|as soon as possible|asap)\b",
    re.IGNORECASE,
)
_TALK = (
    "see|be|say|tell you|admit|guess|bet|think|know|find|notice|assume|consider|look at|look|talk|start with|begin|"
    "return|come back|go over|go back|go through|never|always|get to|show you|explain|mention|ask you|have a look|"
    "remember|get started|get going|understand|realize|keep in mind|go on|move on|take a look|not"
)
_DOING = rf"(?!(?:now |also |just |then |first )*(?:{_TALK})\b)\w+"
_WHO = r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?"
_PROMISE = re.compile(
    r"\b(?P<who>I|[Ww]e)(?:['’]ll| will| shall|['’]m going to| am going to|['’]re going to| are going to) " + _DOING
)
_DUTY = re.compile(
    r"(?<!if )(?<!do )(?<!did )(?<!when )\b"
    rf"(?P<who>I|[Ww]e|[Yy]ou|[Tt]hey|[Ss]omeone|[Ss]omebody|[Ee]veryone|{_WHO})(?: all| both)?"
    rf"(?: still| also| really)? (?:(?:need|needs|have|has|ought) to|must|should) {_DOING}"
)
_ASSIGNED = re.compile(
    rf"(?:^|[,;.] |\band )(?P<who>{_WHO})"
    rf"(?:,? (?:please|can you|could you|would you|will you)| will| is going to| is to) {_DOING}"
)
_REQUEST = re.compile(
    rf"\b(?:(?:can|could|would|will) (?:you|someone|somebody)(?: please)? {_DOING}|please {_DOING}|make sure\b|"
    r"do not forget\b|"
    rf"don['’]t forget\b|remember to {_DOING}|let['’]s {_DOING}|action items?\b|to-?do\b|follow up\b)",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(
    r"^(?:(?:and|so|then|also|okay|ok|first|next|finally),? )*(?:send|schedule|update|fix|review|prepare|write|check|"
    r"call|email|book|share|create|finish|submit|upload|test|deploy|contact|order|add|remove|draft|set up|follow up|"
    r"organi[sz]e|arrange|plan|invite|cancel|file|document|read|install|buy|pay|sign|confirm|clean up|back up|collect|"
    r"deliver|print|report|complete|assign|investigate|merge|ship|hand in)\b"
    r"(?! (?:is|was|are|were|of|has|had|for)\b)",
    re.IGNORECASE,
)
_NO_ACTION = re.compile(
    r"^(?:what|why|how|when|where|who|which|do|does|did|should|if)\b.*\?|\b(?:would|could|should) have\b", re.IGNORECASE
)
_RULES = (_ASSIGNED, _DUTY, _PROMISE, _REQUEST, _IMPERATIVE)
_NOBODY = re.compile(
    r"It|This|That|There|He|She|They|We|You|What|Which|Who|The|An?|And|But|So|Then|If|When|One|Everything|Nothing|"
    rf"Something|All|Both|These|Those|Okay|Ok|Well|Yes|No|Now|{_DAY}",
    re.IGNORECASE,
)


def action_item(sentence: Sentence) -> ActionItem | None:
    """What the sentence asks somebody to do, or None. `owner` is the named person, or the speaker who says "I"."""
    if _NO_ACTION.search(sentence.text):
        return None
    found = next((match for rule in _RULES if (match := rule.search(sentence.text))), None)
    if found is None:
        return None
    due = _DUE.search(sentence.text)
    return ActionItem(
        text=sentence.text,
        at=sentence.start,
        owner=_owner(found.groupdict().get("who"), sentence.speaker),
        due=due.group() if due else None,
        citations=sentence.citations,
    )


def _owner(who: str | None, speaker: str | None) -> str | None:
    if who == "I":
        return speaker or "I"
    if who is None or _NOBODY.fullmatch(who.split()[0]):
        return None
    return who
