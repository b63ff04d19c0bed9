"""Generate short reviews of hotels and films, in English or Chinese, for the examples.

Nothing is taken from real reviews, so that the texts are free to share.
"""

import numpy as np

_SHARED = {
    "negative": "bad terrible poor awful disappointing horrible mediocre unpleasant dreadful",
    "neutral": "average ordinary acceptable decent standard plain usual unremarkable",
    "positive": "great good lovely excellent perfect wonderful nice delightful superb",
}
_ASPECTS = {
    "hotels": "room bed breakfast staff lobby view bathroom pool shower location service bar",
    "films": "plot cast ending music script camera dialogue pace hero humour story editing",
    "chinese": "房间 早餐 服务 位置 卫生间 前台 大堂 床铺 环境 空调 餐厅 网络",
}
_ADJECTIVES = {
    "hotels": {
        "negative": "dirty noisy rude cold cramped broken smelly slow shabby damp overpriced",
        "neutral": "small simple old basic functional modern large central",
        "positive": "clean quiet friendly comfortable spacious helpful warm cosy spotless modern",
    },
    "films": {
        "negative": "boring predictable silly flat slow clumsy hollow tedious confusing lifeless",
        "neutral": "long short simple conventional familiar quiet light straightforward",
        "positive": "gripping moving witty clever charming brilliant funny subtle original warm",
    },
    "chinese": {
        "negative": "很差 太脏 很吵 太小 太旧 太慢 难吃 冷淡 不方便 太贵 糟糕 有异味",
        "neutral": "一般 普通 还行 凑合 不大 简单 中等 过得去",
        "positive": "很好 干净 安静 舒适 宽敞 热情 好吃 方便 周到 便宜 温馨 满意",
    },
}
_NOT = {"negative": "positive", "positive": "negative"}


def make_texts(n_texts, *, subject="hotels", weights=(0.5, 0.0, 0.5), random_state=None):
    """Return texts of two to five clauses, and their labels.

    Three of four clauses speak for the label, some of these by a negation, as in "not bad".

    Parameters
    ----------
    n_texts : int
        Number of texts.
    subject : {"hotels", "films", "chinese"}
        Hotels and films in English, or hotels in Chinese.
    weights : tuple of three floats
        Probabilities of the labels "negative", "neutral" and "positive".
    random_state : int
        Seed.
    """
    rng = np.random.default_rng(random_state)
    words = {label: _ADJECTIVES[subject][label].split() for label in _SHARED}
    if subject != "chinese":
        words = {label: _SHARED[label].split() + words[label] for label in words}
    labels = rng.choice(list(_SHARED), n_texts, p=weights)
    texts = []
    for label in labels:
        clauses = []
        for aspect in rng.choice(_ASPECTS[subject].split(), rng.integers(2, 6), replace=False):
            tone = label if rng.random() < 0.75 else rng.choice(list(_SHARED))
            is_negated = tone in _NOT and rng.random() < 0.2
            adjectives = words[_NOT[tone] if is_negated else tone]
            frequency = 1 / np.arange(2, len(adjectives) + 2)
            adjective = rng.choice(adjectives, p=frequency / frequency.sum())
            if subject == "chinese":
                clauses.append(f"{aspect}{'并不' if is_negated else ''}{adjective}")
            else:
                verb = rng.choice(["was", "is", "seemed"])
                degree = rng.choice(["", "very ", "really ", "quite "])
                negation = "not " if is_negated else ""
                clauses.append(f"the {aspect} {verb} {negation}{degree}{adjective}")
        if subject == "chinese":
            conjunctions = rng.choice(["，", "而且"], len(clauses) - 1).tolist()
            texts.append("".join(map("".join, zip(clauses, [*conjunctions, "。"], strict=True))))
        else:
            texts.append(", ".join(clauses) + ".")
    return texts, labels
