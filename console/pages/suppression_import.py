"""The pages that put a file of numbers on the suppression list: uploaded, checked, imported when somebody says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import File, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.definition.encodings import NoSuchEncoding, encoding_named
from campaigns.launch.drafts.file_drafts import paths_left_out
from campaigns.operations.people import Role
from campaigns.operations.suppression_files import uploads
from campaigns.operations.suppression_files.importing import NoNumbers
from campaigns.operations.suppression_files.uploads import Terms, Upload
from console.pages.days import A_DAY
from console.pages.downloads import csv_download
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.pages.suppression import terms_of
from console.server.body import put_upload
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.phone import is_country

LARGEST_UPLOAD = 64 << 20
REJECTS_SHOWN = 50
LONGEST_NAME = 120
ENCODINGS = ("utf-8", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "gbk", "shift_jis", "big5", "koi8_r")

router = page_router(max_body=LARGEST_UPLOAD)

Text = Annotated[str, Form(max_length=200)]


@router.get("/suppression/import", **for_role(Role.EDITOR))
def show_form(request: Request, state: InjectedState) -> str:
    """The form that uploads a file."""
    return _form_page(request, state, {}, {})


@router.post("/suppression/import", response_model=None, **for_role(Role.EDITOR))
def upload_list(
    request: Request,
    state: InjectedState,
    list: Annotated[UploadFile | None, File()] = None,  # the field's name, as in the API
    country: Text = "",
    reason: Text = "",
    account: Text = "",
    until: Text = "",
    encoding: Text = "",
) -> Response:
    """Keep the file, and go to what its check says."""
    typed = _typed(country, reason, account, until, encoding)
    faults: dict[str, str] = {}
    name = (list.filename or "") if list else ""
    if list is None or not name:
        faults["list"] = gettext("choose a file")
    terms = _terms(name, typed, state, faults)
    if list is None or faults:
        return HTMLResponse(_form_page(request, state, typed, faults), 422)
    kept = uploads.keep(state.settings.data_dir, lambda file: put_upload(list, file), terms, now=state.clock())
    return RedirectResponse(f"/suppression/import/{kept.id}", 303)


@router.get("/suppression/import/{upload_id}", response_model=None, **for_role(Role.EDITOR))
def show_check(upload_id: str, request: Request, state: InjectedState) -> Response:
    """What an import would do, and the button that does it; or what it has done."""
    upload = uploads.find(state.settings.data_dir, upload_id)
    return HTMLResponse(_check_page(request, state, upload, _typed_before(upload), {}))


@router.post("/suppression/import/{upload_id}", response_model=None, **for_role(Role.EDITOR))
def change_terms(
    upload_id: str,
    request: Request,
    state: InjectedState,
    country: Text = "",
    reason: Text = "",
    account: Text = "",
    until: Text = "",
    encoding: Text = "",
) -> Response:
    """Check it anew, read otherwise."""
    upload = uploads.find(state.settings.data_dir, upload_id)
    typed = _typed(country, reason, account, until, encoding)
    faults: dict[str, str] = {}
    terms = _terms(upload.terms.name, typed, state, faults)
    if faults:
        return HTMLResponse(_check_page(request, state, upload, typed, faults), 422)
    uploads.change(upload, terms)
    return RedirectResponse(f"/suppression/import/{upload_id}", 303)


@router.post("/suppression/import/{upload_id}/start", **for_role(Role.EDITOR))
def start_import(upload_id: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Put its numbers on the list. Pressed twice, it is done once."""
    upload = uploads.find(state.settings.data_dir, upload_id)
    with paths_left_out(upload.folder):
        uploads.start(state.ledger, upload, encoding_setting=gettext("Encoding"), who=person.name, now=state.clock())
    return RedirectResponse(f"/suppression/import/{upload_id}", 303)


@router.post("/suppression/import/{upload_id}/rejects", response_model=None, **for_role(Role.EDITOR))
def download_rejects(upload_id: str, state: InjectedState) -> Response:
    """The rows that cannot be read, to be corrected and uploaded again."""
    upload = uploads.find(state.settings.data_dir, upload_id)
    if upload.imported:
        raise HTTPException(409, "the list was imported, and is not kept any more")
    with paths_left_out(upload.folder):
        result = uploads.check(state.ledger, upload, encoding_setting=gettext("Encoding"), now=state.clock())
    return csv_download("rejects.csv", uploads.reject_cells(result.rejects))


def _typed(country: str, reason: str, account: str, until: str, encoding: str) -> dict[str, str]:
    texts = {"country": country, "reason": reason, "account": account, "until": until, "encoding": encoding}
    return {name: text.strip() for name, text in texts.items()}


def _typed_before(upload: Upload) -> dict[str, str]:
    terms = upload.terms
    until = "" if terms.expires_at is None else (terms.expires_at.date() - A_DAY).isoformat()
    return _typed(terms.country or "", terms.reason, terms.account, until, terms.encoding or "")


def _terms(name: str, typed: Mapping[str, str], state: AppState, faults: dict[str, str]) -> Terms:
    country = typed["country"].upper()
    if country and not is_country(country):
        faults["country"] = gettext("two letters, such as US")
    encoding: str | None = None
    try:
        encoding = encoding_named(typed["encoding"]) if typed["encoding"] else None
    except NoSuchEncoding as exc:
        faults["encoding"] = with_remedy(str(exc), exc.suggestion)
    shown = "".join(filter(str.isprintable, name))[:LONGEST_NAME]
    return Terms(name=shown, country=country or None, encoding=encoding, **terms_of(typed, state, faults))


def _form_page(request: Request, state: AppState, typed: Mapping[str, str], faults: Mapping[str, str]) -> str:
    return render("suppression-import.html", request, **_fields(state, typed, faults))


def _check_page(
    request: Request, state: AppState, upload: Upload, typed: Mapping[str, str], faults: Mapping[str, str]
) -> str:
    result, trouble = None, ""
    if not upload.imported:
        try:
            with paths_left_out(upload.folder):
                result = uploads.check(state.ledger, upload, encoding_setting=gettext("Encoding"), now=state.clock())
        except (BadContactsFile, NoNumbers) as exc:
            trouble = with_remedy(exc.message, exc.remedy)
    return render(
        "suppression-check.html",
        request,
        upload=upload,
        result=result,
        rejects=result.rejects[:REJECTS_SHOWN] if result else (),
        trouble=trouble,
        **_fields(state, typed, faults),
    )


def _fields(state: AppState, typed: Mapping[str, str], faults: Mapping[str, str]) -> dict[str, Any]:
    blank = _typed("", "", "", "", "")
    accounts = sorted(state.settings.accounts)
    return {"typed": blank | dict(typed), "faults": faults, "accounts": accounts, "encodings": ENCODINGS}
