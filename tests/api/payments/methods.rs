//! How a payment was made, said for people.

use serde_json::Value;
use toss_sandbox::{Authenticate, PayMethod};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_card_is_shown_by_its_issuer,
    easy_pay_is_shown_by_its_provider,
    other_methods_are_shown_by_their_name,
];

/// Issuers in the order of the sandbox's card numbers `9410 NN…`, in the words of Toss's table.
const ISSUERS: [&str; 30] = [
    "하나",
    "기업비씨",
    "광주",
    "롯데",
    "산업",
    "비씨",
    "새마을",
    "신한",
    "신협",
    "씨티",
    "우리",
    "우리",
    "삼성",
    "우체국",
    "저축",
    "전북",
    "카카오뱅크",
    "케이뱅크",
    "토스뱅크",
    "현대",
    "국민",
    "농협",
    "수협",
    "다이너스",
    "마스터",
    "유니온페이",
    "아멕스",
    "JCB",
    "비자",
    "제주",
];

async fn paid_by(world: &World, plan: &str, shape: impl FnOnce(Authenticate) -> Authenticate) -> Value {
    let order = world.order("u1", plan).await;
    let key = world.authenticate_with(shape(Authenticate::new(order.order_id.clone(), order.amount)));
    let reply = world.confirm(&order, &key).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    reply.body["payment"]["paymentMethod"].clone()
}

async fn a_card_is_shown_by_its_issuer(world: &World) {
    let plan = world.event().await;
    for (index, issuer) in ISSUERS.into_iter().enumerate() {
        let number = format!("9410{index:02}0000000000");
        assert_eq!(paid_by(world, &plan, |buyer| buyer.card(number)).await, issuer);
    }
}

async fn easy_pay_is_shown_by_its_provider(world: &World) {
    let plan = world.event().await;
    let names = [
        ("TOSSPAY", "토스페이"),
        ("NAVERPAY", "네이버페이"),
        ("SAMSUNGPAY", "삼성페이"),
        ("APPLEPAY", "애플페이"),
        ("LPAY", "엘페이"),
        ("KAKAOPAY", "카카오페이"),
        ("PINPAY", "핀페이"),
        ("PAYCO", "페이코"),
        ("SSG", "SSG페이"),
    ];
    for (provider, name) in names {
        let by_wallet = |buyer: Authenticate| Authenticate {
            easy_pay_provider: Some(provider.to_owned()),
            ..buyer.method(PayMethod::EasyPay)
        };
        assert_eq!(paid_by(world, &plan, by_wallet).await, name);
        // A card behind the wallet does not hide it.
        assert_eq!(paid_by(world, &plan, |buyer| by_wallet(buyer).card("9410190000000000")).await, name);
    }
}

async fn other_methods_are_shown_by_their_name(world: &World) {
    let plan = world.event().await;
    let names = [
        (PayMethod::Transfer, "계좌이체"),
        (PayMethod::MobilePhone, "휴대폰"),
        (PayMethod::CultureGiftCertificate, "문화상품권"),
        (PayMethod::BookGiftCertificate, "도서문화상품권"),
        (PayMethod::GameGiftCertificate, "게임문화상품권"),
    ];
    for (method, name) in names {
        assert_eq!(paid_by(world, &plan, |buyer| buyer.method(method)).await, name);
    }
}
