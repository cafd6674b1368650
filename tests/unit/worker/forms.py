"""Values of settings that have a form, by variable: some that are of it and some that are not."""

PROJECTS = ["p-1234", "demo-emberframe", "a" * 30]
WRONG_PROJECTS = [
    *("short", "a" * 31, "1project", "project-", "Project-1", "my project", "my_project"),
    *("projects/demo-emberframe", "demo-emberframe/", "demo-emberframe\n"),
]
BUCKETS = ["abc", "1.b.c", "demo-emberframe.firebasestorage.app", "a_b-c", "1.2.3", "a" * 63]
WRONG_BUCKETS = [
    *("b", "ab", "a" * 64, "gs://pictures", "pictures/", "Pictures", "my pictures", "-pictures"),
    *("pictures_", "pic..tures", "127.0.0.1", "googpictures", "a" * 64 + ".b", "pictures\n"),
    ".".join(["a" * 60] * 4),
]
SUBSCRIPTIONS = ["abc", "generate-image-worker", "A.b_c~d+e%f", "a" * 255]
WRONG_SUBSCRIPTIONS = [
    *("i", "ab", "a" * 256, "1abc", "-abc", "googabc", "my jobs", "jobs\n"),
    "projects/demo-emberframe/subscriptions/jobs",
]
ADDRESSES = ["127.0.0.1:8080", "localhost:1", "my-emulators_1.example:65535", "[::1]:8080"]
WRONG_ADDRESSES = [
    *("127.0.0.1", ":8080", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:http", "8080"),
    *("http://127.0.0.1:8080", "127.0.0.1:8080/", "a b:1", "user:word@host:1", "127.0.0.1:8080\n"),
]
WEB_ADDRESSES = [f"http://{address}" for address in ADDRESSES] + ["https://127.0.0.1:4443"]
WRONG_WEB_ADDRESSES = [
    *("127.0.0.1:9199", "http://127.0.0.1", "http://127.0.0.1:9199/", "ftp://127.0.0.1:9199"),
    *("http://", "http://127.0.0.1:0", "http://127.0.0.1:9199\n"),
]
IMAGE_HOSTS = {
    "photos.example.com": ("photos.example.com",),
    ".example.com": (".example.com",),
    " A-1.example, .b.example,": ("a-1.example", ".b.example"),
    "xn--bcher-kva.example": ("xn--bcher-kva.example",),
}
WRONG_HOSTS = [
    *(
        "https://photos.example.com",
        "photos.example.com:443",
        "photos.example.com/",
        "*.example.com",
    ),
    *("example", "localhost", ".com", "127.0.0.1", "0x7f.1", "[::1]", "::1", "photos..example.com"),
    *("photos.example.com.", "user@example.com", "bücher.example", "a.example b.example", "-a.com"),
    *("a.example,169.254.169.254", "a" * 64 + ".example"),
]

RIGHT_FORMS = [
    *(("GOOGLE_CLOUD_PROJECT", it) for it in PROJECTS),
    *(("EMBERFRAME_BUCKET", it) for it in BUCKETS),
    *(("EMBERFRAME_IMAGE_SUBSCRIPTION", it) for it in SUBSCRIPTIONS),
    *(("EMBERFRAME_VIDEO_SUBSCRIPTION", it) for it in SUBSCRIPTIONS),
    ("EMBERFRAME_IMAGE_MODEL", "shapes"),
    ("EMBERFRAME_IMAGE_MODEL", "none"),
    ("EMBERFRAME_FILM_MODEL", "shapes-film"),
    ("EMBERFRAME_FILM_MODEL", "none"),
]
WRONG_FORMS = [
    *(("GOOGLE_CLOUD_PROJECT", it) for it in WRONG_PROJECTS),
    *(("EMBERFRAME_BUCKET", it) for it in WRONG_BUCKETS),
    *(("EMBERFRAME_IMAGE_SUBSCRIPTION", it) for it in WRONG_SUBSCRIPTIONS),
    ("EMBERFRAME_VIDEO_SUBSCRIPTION", "v"),
    *(("EMBERFRAME_IMAGE_HOSTS", it) for it in WRONG_HOSTS),
    *(("FIRESTORE_EMULATOR_HOST", it) for it in WRONG_ADDRESSES),
    ("PUBSUB_EMULATOR_HOST", "http://127.0.0.1:8085"),
    *(("STORAGE_EMULATOR_HOST", it) for it in WRONG_WEB_ADDRESSES),
    ("EMBERFRAME_IMAGE_MODEL", "shapez"),
    ("EMBERFRAME_FILM_MODEL", "shapes"),
    ("EMBERFRAME_FILM_MODEL_DIR", "/nowhere/at/all"),
    ("EMBERFRAME_MODEL_DIR", "/nowhere/at/all"),
    ("EMBERFRAME_MODEL_DIR", "/dev/null"),
]
#: All three emulators.
HOSTS = {
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:8085",
    "STORAGE_EMULATOR_HOST": "http://127.0.0.1:9199",
}
