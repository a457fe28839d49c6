"""Forms: fields for typed values, and the form of an analysis built from its description alone."""

from app.forms.fields import ParameterField, make_field
from app.forms.form import AnalysisForm
from app.forms.numbers import number_words, parse_number, with_error
from app.forms.widgets import (
    Card,
    ColumnWidget,
    FieldGrid,
    Header,
    NumberEdit,
    Readings,
    RowButton,
    button,
    elided,
    label,
    paragraph,
    rule,
    scrolled,
)

__all__ = [
    "AnalysisForm",
    "Card",
    "ColumnWidget",
    "FieldGrid",
    "Header",
    "NumberEdit",
    "ParameterField",
    "Readings",
    "RowButton",
    "button",
    "elided",
    "label",
    "make_field",
    "number_words",
    "paragraph",
    "parse_number",
    "rule",
    "scrolled",
    "with_error",
]
