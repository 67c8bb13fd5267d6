//! What jobs do and when, in words.

use chrono_tz::Tz;

use crate::jobs::{Job, Schedule};
use crate::pages::Shell;

/// What a job does.
pub(super) fn purpose(shell: &Shell, job: Job) -> &'static str {
    let (ko, en) = match job {
        Job::ExpireSubscriptions => {
            ("끝난 구독의 상태를 장부에 적습니다.", "Writes into the books which subscriptions have ended.")
        }
        Job::SettlePayments => (
            "결과를 모르는 결제와 환불을 토스에 다시 묻습니다.",
            "Asks Toss about payments and refunds whose outcome is unknown.",
        ),
        Job::PurgeTempOrders => (
            "결제 시간이 지난 주문을 지우고, 이벤트 합계를 정리합니다.",
            "Removes orders that can no longer be paid, and adds up the event total.",
        ),
        Job::ProcessWebhooks => {
            ("토스가 알려 온 결제를 다시 확인합니다.", "Reads the payments again that Toss called about.")
        }
        Job::PurgeWebhooks => ("처리가 끝난 알림을 지웁니다.", "Forgets Toss's calls that are over."),
        Job::PurgeIdempotencyKeys => {
            ("하루가 지난 멱등 키를 지웁니다.", "Forgets idempotency keys that are a day old.")
        }
        Job::Reconcile => ("토스의 장부와 우리 장부를 대조합니다.", "Compares Toss's books with ours."),
        Job::Check => {
            ("우리 장부의 규칙이 지켜지는지 확인합니다.", "Checks that our own books hold together.")
        }
    };
    shell.say(ko, en)
}

/// When a job is due.
pub(super) fn schedule(shell: &Shell, schedule: Schedule, zone: Tz) -> String {
    let korean = shell.code() == "ko";
    match schedule {
        Schedule::Every(3_600) => shell.say("한 시간마다", "every hour").to_owned(),
        Schedule::Every(seconds) if seconds >= 60 && seconds % 60 == 0 => {
            let minutes = seconds / 60;
            if korean { format!("{minutes}분마다") } else { format!("every {minutes} min") }
        }
        Schedule::Every(seconds) => {
            if korean {
                format!("{seconds}초마다")
            } else {
                format!("every {seconds} s")
            }
        }
        Schedule::Daily { hour, minute } if korean => format!("매일 {hour:02}:{minute:02} ({zone})"),
        Schedule::Daily { hour, minute } => format!("daily at {hour:02}:{minute:02} ({zone})"),
    }
}
