"""The example texts of the page, made up for it, in English and Korean."""

from .names import Language

# Language -> title and text of each example.
EXAMPLES: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        (
            "A secret told",
            "I told my sister's secret to her fiancé, and now the wedding is off. I feel terrible about it, but I "
            "still believe he had a right to know.",
        ),
        (
            "A loan",
            "My best friend lent me money when I lost my job. I have work again, but I keep putting off paying her "
            "back. Yesterday she asked me about it in front of our friends, and I was so angry that I walked out.",
        ),
        (
            "A diary",
            "I read my daughter's diary because I was worried about her. She found out and has not spoken to me for "
            "a week. I miss her, and I wish I had simply asked.",
        ),
        (
            "A neighbour",
            "While I was in hospital, my neighbour sat with my mother every evening. I did not know until I came "
            "home. I cried with relief, and I do not know how to thank her.",
        ),
    ),
    "ko": (
        (
            "말해 버린 비밀",
            "언니의 비밀을 형부 될 사람에게 말해 버렸고, 결혼은 취소됐어요. 마음이 너무 무겁지만 그 사람도 알 "
            "권리가 있었다고 생각해요.",
        ),
        (
            "빌린 돈",
            "실직했을 때 친구가 돈을 빌려줬어요. 다시 취직했는데도 갚는 걸 계속 미루고 있어요. 어제 친구가 다른 "
            "친구들 앞에서 그 이야기를 꺼냈고, 저는 너무 화가 나서 자리를 박차고 나왔어요.",
        ),
        (
            "일기장",
            "딸이 걱정돼서 일기장을 몰래 읽었어요. 딸이 그걸 알고 일주일째 말을 안 해요. 딸이 보고 싶고, 그냥 "
            "물어볼걸 그랬어요.",
        ),
        (
            "이웃",
            "제가 입원해 있는 동안 이웃이 매일 저녁 어머니 곁에 있어 줬어요. 집에 와서야 알았어요. 안도감에 눈물이 "
            "났고, 어떻게 감사해야 할지 모르겠어요.",
        ),
    ),
}

__all__ = ["EXAMPLES"]
