"""Words, symbols and units by which servers state prices, costs and balances."""

from __future__ import annotations

from callsheet.text import word_set

PRICE = word_set("""
    price prices pricing cost costs credit credits fee fees charge charges charged billed
    billing spend spent usd eur gbp tokencost
""")
"""A key with one of these words may hold a price."""

NO_PRICE = word_set("""
    max maximum min minimum limit limits budget cap ceiling balance remaining left available
    original list listed regular was old before undiscounted full retail strikethrough plan
    plans subscription subscriptions month monthly year yearly annual annually seat deposit
    refund refunds refunded wallet topup threshold url link docs page note notes description
    text label display method strategy mode id currency code symbol discount discounts saving
    savings tax vat granted bonus total_credits quota package packages bundle schema properties
    example examples factor multiplier ratio percent percentage
""")
"""A key with one of these words holds no price of a call, whatever else stands in it."""

RANGE = (
    ("min", "max"), ("minimum", "maximum"), ("from", "to"), ("low", "high"), ("lower", "upper"),
)  # fmt: skip
"""The keys of a price that lies between two amounts."""

TIERS = word_set("""
    up_to upto first_unit last_unit min_quantity max_quantity start_usage_amount tier tiers
    quantity_from quantity_to flat_amount threshold volume
""")
"""Keys of prices that depend on how much was used before."""

ADDITIVE = word_set("base setup startup fixed surcharge extra overage additional")
"""Words of prices that are a part of the whole."""

HOLDERS = word_set("""
    pricing price prices cost costs billing meta metadata annotations info details credits rates
    pricinginfo skus
""")
"""Keys of an entry inside which a price may stand."""

SYMBOLS = {
    "US$": "USD", "$": "USD", "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "元": "CNY",
    "R$": "BRL", "A$": "AUD", "C$": "CAD", "₽": "RUB", "CHF": "CHF", "¥": "¥", "￥": "¥",
}  # fmt: skip
"""Currencies by their signs; the yen's is the yuan's as well."""

CURRENCIES = word_set("""
    usd eur gbp jpy cny chf cad aud inr krw brl rub sek nok dkk pln sgd hkd nzd mxn try
""")
WITHOUT_CENTS = frozenset({"JPY", "KRW", "VND", "CLP"})
NAMED_UNITS = {
    **dict.fromkeys(("credit", "credits", "cr", "points", "coins"), "credits"),
    **dict.fromkeys(("dollar", "dollars"), "USD"),
    **dict.fromkeys(("euro", "euros"), "EUR"),
    **{code: code.upper() for code in CURRENCIES},
}
"""Units by the words that name them."""

MINOR = {
    **dict.fromkeys(("cents", "cent", "pence"), 2),
    **dict.fromkeys(("micros", "micro", "microunits", "microdollars"), 6),
    **{"mills": 3, "millicents": 5, "ucents": 8, "nanos": 9, "ticks": 10},
}
"""Words of a key whose number is a fraction of the unit: its power of ten."""

PER = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "second"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "minute"),
    **dict.fromkeys(("h", "hr", "hour", "hours"), "hour"),
    **dict.fromkeys(("image", "images", "img", "picture", "pictures", "photo"), "image"),
    **dict.fromkeys(("video", "videos", "clip", "clips"), "video"),
    **dict.fromkeys(("megapixel", "megapixels", "mp"), "megapixel"),
    **dict.fromkeys(("character", "characters", "char", "chars"), "character"),
    **dict.fromkeys(("token", "tokens"), "token"),
    **dict.fromkeys(("step", "steps"), "step"),
    **dict.fromkeys(("pixel", "pixels"), "pixel"),
    **dict.fromkeys(("frame", "frames"), "frame"),
    **dict.fromkeys(("page", "pages"), "page"),
    **dict.fromkeys(("word", "words"), "word"),
    **dict.fromkeys(("month", "mo", "months"), "month"),
    **dict.fromkeys(("year", "yr", "years"), "year"),
    **dict.fromkeys(("day", "days"), "day"),
    **dict.fromkeys(("gb", "gib"), "GB"),
    **dict.fromkeys(
        ("request", "requests", "call", "calls", "generation", "generations", "run", "runs"), ""
    ),
    **dict.fromkeys(("job", "jobs", "task", "tasks", "prediction", "use", "invocation"), ""),
}
"""What an amount is asked for, by the words that name it; empty for one call."""

THOUSANDS = {"k": "1k", "1k": "1k", "1 k": "1k", "1000": "1k", "thousand": "1k",
             "m": "1M", "1m": "1M", "1 m": "1M", "million": "1M", "1000000": "1M"}  # fmt: skip
NOT_FOR_A_CALL = frozenset({"month", "year", "day"})

SECONDS = word_set("""
    duration durationseconds durationsecs durations seconds length videolength lengthseconds
    lengthinseconds durationinseconds durationsec videoduration videoseconds audioduration
""")
MILLISECONDS = word_set("durationms lengthms musiclengthms durationmilliseconds")
COUNTS = word_set("""
    n num count numimages numberofimages imagecount numoutputs numberofoutputs samples
    numsamples batchsize quantity numberofresults samplecount numvideos numberofvideos
    numresults numgenerations outputcount imagescount numberresults
""")
TEXTS = ("text", "input", "script", "prompt", "content")
"""Fields of a body, without case and ``_``, by what they multiply."""

FREE = frozenset({"free", "free of charge", "no charge", "gratis", "included"})

CHARGED = word_set("cost costs price charged charge fee billed deduction deducted")
USED = word_set("""
    cost costs charged used consumed spent billed deducted charge usage fee
""")
REFUND = word_set("refund refunds refunded reversed credited")
NO_REFUND = word_set("refundable id at date reason policy eligible pending requested failed")
LEFT = word_set("remaining left available balance remain avail unused")
TOTALS = word_set("total limit granted allocated quota cap purchased")
SPENT = word_set("used usage consumed spent count")
NOT_MONEY = word_set("""
    tokens token seconds time ms characters requests rate ratelimit images minutes duration
""")
"""Words of keys in replies: what was charged, what is left, what it is left of."""

SIDES = frozenset({"input", "output", "prompt", "completion"})
"""Keys of prices of what goes in and what comes out."""
FORMULAS = word_set("expression formula")
"""Words of keys of a price that has to be worked out."""
ROW_NAMES = word_set("""
    id name model slug modelid modelname key sku endpoint endpointid action actionid
""")
"""Keys under which a row of a price list names what it prices."""
