//! A site of a few pages on a port of its own: good and bad ones, to see that the browser tells them apart.

use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::{Html, Path};
use poem::{IntoResponse, Response, Route, Server, get, handler};

/// A policy as strict as the product's.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src *; \
    img-src 'self'";

/// Starts the site and gives its address; it ends with the scenario.
pub(super) async fn start() -> String {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
    let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("an address");
    let pages = Route::new()
        .at("/reporting/:name", get(reporting))
        .at("/:name", get(strict))
        .at("/echo", get(echo))
        .at("/script/:name", get(script))
        .at("/refused", get(refused))
        .at("/rows.csv", get(rows))
        .at("/favicon.ico", get(icon));
    tokio::spawn(Server::new_with_acceptor(acceptor).run(pages));
    format!("http://{address}")
}

/// A page under the policy.
#[handler]
fn strict(Path(name): Path<String>) -> Response {
    Html(page(&name)).with_header("content-security-policy", POLICY).into_response()
}

/// A page whose breaches of the policy are only reported.
#[handler]
fn reporting(Path(name): Path<String>) -> Response {
    Html(page(&name)).with_header("content-security-policy-report-only", POLICY).into_response()
}

/// A page that says which languages it was asked in.
#[handler]
fn echo(request: &poem::Request) -> Html<String> {
    let asked = request.header("accept-language").unwrap_or_default();
    Html(format!("<!doctype html><html lang=\"ko\"><title>echo</title><main>{asked}</main></html>"))
}

#[handler]
fn refused() -> poem::http::StatusCode {
    poem::http::StatusCode::PAYMENT_REQUIRED
}

#[handler]
fn rows() -> Response {
    "주문,금액\n1,9900\n"
        .with_content_type("text/csv; charset=utf-8")
        .with_header("content-disposition", "attachment; filename=\"rows.csv\"")
        .into_response()
}

#[handler]
fn icon() -> poem::http::StatusCode {
    poem::http::StatusCode::NO_CONTENT
}

#[handler]
fn script(Path(name): Path<String>) -> Response {
    let script = match name.as_str() {
        "complains" => "console.error('a complaint')",
        "throws" => "throw new Error('a mistake')",
        "rejects" => "Promise.reject(new Error('a broken promise'))",
        "asks" => "fetch('/refused')",
        "buttons" => BUTTONS,
        _ => "",
    };
    script.with_content_type("text/javascript").into_response()
}

const BUTTONS: &str = "
const log = document.querySelector('#log');
document.querySelector('#late').addEventListener('click', () => {
    const shown = document.createElement('button');
    shown.id = 'shown';
    shown.textContent = '나중에';
    setTimeout(() => { log.textContent = '눌렀습니다'; log.after(shown); }, 300);
});
document.querySelector('#name').addEventListener('keydown', (event) => {
    if (event.key === 'Enter') log.textContent = event.target.value;
});
setTimeout(() => {
    for (const button of document.querySelectorAll(':disabled')) button.disabled = false;
}, 300);
document.querySelector('#early').addEventListener('click', () => { log.textContent = '이제 됩니다'; });
document.querySelector('#bank').addEventListener('change', (event) => {
    log.textContent = event.target.selectedOptions[0].textContent;
});
document.querySelector('#ask').addEventListener('click', () => {
    log.textContent = confirm('정말로?') ? '예' : '아니요';
});
document.querySelector('#open').addEventListener('click', () => { window.open('/plain'); });
";

/// The page of this name; where it names a script, that is loaded from beside it.
fn page(name: &str) -> String {
    let body = match name {
        "inline" => "<script>document.title = 'inline'</script>".to_owned(),
        "grey" => "<p>읽히는 글</p><input name=\"email\">".to_owned(),
        "framed-inline" => {
            "<iframe src=\"/inline\" title=\"안\" width=\"300\" height=\"200\"></iframe>".to_owned()
        }
        "framed-grey" => {
            "<iframe src=\"/grey\" title=\"안\" width=\"300\" height=\"200\"></iframe>".to_owned()
        }
        "framed" => {
            "<p>밖</p><iframe src=\"/buttons\" title=\"안\" width=\"600\" height=\"400\"></iframe>".to_owned()
        }
        "far" => "<script src=\"https://js.tosspayments.com/v2/standard\"></script>".to_owned(),
        "buttons" => "<button id=\"late\">누르세요</button><button id=\"ask\">물어보기</button>\
            <button id=\"open\">새 창</button><button id=\"gone\" hidden>없음</button>\
            <button id=\"early\" disabled>곧</button><label for=\"bank\">은행</label>\
            <select id=\"bank\"><option value=\"20\">우리</option><option value=\"88\">신한</option></select>\
            <label for=\"name\">이름</label><input id=\"name\" value=\"앞의 글\"><p id=\"log\"></p>\
            <script src=\"/script/buttons\"></script>"
            .to_owned(),
        "complains" | "throws" | "rejects" | "asks" => format!("<script src=\"/script/{name}\"></script>"),
        _ => "<p>아무 일도 없는 글</p><a href=\"/buttons\">다음</a> \
            <a id=\"rows\" href=\"/rows.csv\">내려받기</a>"
            .to_owned(),
    };
    format!(
        "<!doctype html><html lang=\"ko\"><head><meta charset=\"utf-8\"><title>{name}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head>\
         <body><main><h1>{name}</h1>{body}</main></body></html>"
    )
}
