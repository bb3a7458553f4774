"""The text of what comes by mail, in whichever charset it says or only seems to be."""

import codecs
import re
from typing import Final

# Nobody writes mail in these, and some cost time that grows with the square of the length.
_NO_CHARSETS: Final = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_CHARSETS: Final = {
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "utf-8", "ascii": "utf-8", "ansi_x3.4-1968": "utf-8",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "ks_c_5601-1987": "cp949", "euc-kr": "cp949",
    "x-sjis": "cp932", "shift_jis": "cp932", "windows-31j": "cp932", "x-euc-jp": "euc_jp", "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-6-i": "iso-8859-6", "utf8mb4": "utf-8", "iso-2022-jp": "iso2022_jp_ext",
}  # fmt: skip
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def text_of(content: bytes, charset: str) -> str:
    """Text in the charset that is said, or else in the likeliest: without what PostgreSQL cannot keep."""
    for name in (_CHARSETS.get(charset.lower().strip("\"' "), charset), "utf-8"):
        try:
            if codecs.lookup(name).name.replace("-", "_") not in _NO_CHARSETS:
                return CONTROL.sub("", content.decode(name))
        except (LookupError, ValueError):
            continue
    return CONTROL.sub("", content.decode("cp1252", "replace"))
