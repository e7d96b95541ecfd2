"""Routes about filters."""

from msgspec import Struct

from services.platform_gateway.client_api.filters import READ, WRITE, FilterForm, KeywordForm, NamedForm
from services.platform_gateway.client_api.old_filters import OldFilterForm
from services.platform_gateway.entities.filters import Filter, FilterKeyword, FilterStatus, OldFilter
from services.platform_gateway.openapi.operation import Operation, Table, lists

_OLD, _ROOT = "/api/v1/filters", "/api/v2/filters"


def _resource(path: str, entity: type[Struct], form: type[Struct]) -> Table:
    return {
        f"GET {path}/{{id}}": Operation(answer=entity, scope=READ),
        f"PUT {path}/{{id}}": Operation(answer=entity, form=form, scope=WRITE),
        f"DELETE {path}/{{id}}": Operation(scope=WRITE),
    }


FILTERS: Table = {
    f"GET {_ROOT}": lists(Filter, READ),
    f"POST {_ROOT}": Operation(answer=Filter, form=FilterForm, scope=WRITE),
    **_resource(_ROOT, Filter, FilterForm),
    f"GET {_ROOT}/{{id}}/keywords": lists(FilterKeyword, READ),
    f"POST {_ROOT}/{{id}}/keywords": Operation(answer=FilterKeyword, form=KeywordForm, scope=WRITE),
    **_resource(f"{_ROOT}/keywords", FilterKeyword, KeywordForm),
    f"GET {_ROOT}/{{id}}/statuses": lists(FilterStatus, READ),
    f"POST {_ROOT}/{{id}}/statuses": Operation(answer=FilterStatus, form=NamedForm, scope=WRITE),
    f"GET {_ROOT}/statuses/{{id}}": Operation(answer=FilterStatus, scope=READ),
    f"DELETE {_ROOT}/statuses/{{id}}": Operation(scope=WRITE),
    f"GET {_OLD}": lists(OldFilter, READ),
    f"POST {_OLD}": Operation(answer=OldFilter, form=OldFilterForm, scope=WRITE),
    **_resource(_OLD, OldFilter, OldFilterForm),
}
