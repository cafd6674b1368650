"""What climbs the wall of input images, and must not get over it: all of it is refused."""

#: Hosts that the operator of these tests allows.
HOSTS = ("photos.example.com", ".cdn.example.com")
ALLOWED = "https://photos.example.com"
BUCKET = "pictures"
DOWNLOADS = "https://storage.example"
UID = "ada"
TOKEN = "t0k3n"
OWN = "users%2Fada%2Finputs%2Fa.png"

#: Refused for what they are, before any name is resolved.
WRONG_ADDRESSES = (
    # Other hosts, and what looks like an allowed one.
    f"https://example.com/a.png?token={TOKEN}",
    "https://photos.example.com.evil.example/a.png",
    "https://evilphotos.example.com/a.png",
    "https://cdn.example.com/a.png",
    "https://evilcdn.example.com/a.png",
    "https://.cdn.example.com/a.png",
    "https://photos.example.com./a.png",
    "https://photos.example.com。evil.example/a.png",
    "https://phοtos.example.com/a.png",  # with a Greek letter
    "https://photos.example.com%2eevil.example/a.png",
    "https://evil.example/https://photos.example.com/a.png",
    "https://evil.example#photos.example.com/a.png",
    "https://evil.example?photos.example.com/a.png",
    "https://evil.example\\.photos.example.com/a.png",
    "https://photos.example.com\\@evil.example/a.png",
    # Users and ports.
    f"https://{TOKEN}@photos.example.com/a.png",
    "https://photos.example.com@evil.example/a.png",
    "https://photos.example.com:443@evil.example/a.png",
    "https://photos.example.com:444/a.png",
    "https://photos.example.com:80/a.png",
    "https://photos.example.com:/a.png",
    "https://photos.example.com:443:80/a.png",
    # Other schemes.
    "http://photos.example.com/a.png",
    "ftp://photos.example.com/a.png",
    "file:///etc/passwd",
    "file://photos.example.com/etc/passwd",
    "gopher://photos.example.com/a",
    "/etc/passwd",
    "../../etc/passwd",
    "//photos.example.com/a.png",
    "https:photos.example.com/a.png",
    "https:/photos.example.com/a.png",
    "https:///photos.example.com/a.png",
    # Addresses in all their spellings.
    "http://169.254.169.254/computeMetadata/v1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2130706433/a.png",
    "https://0177.0.0.1/a.png",
    "https://0x7f000001/a.png",
    "https://0x7f.0.0.1/a.png",
    "https://127.1/a.png",
    "https://0/a.png",
    "https://[::1]/a.png",
    "https://[::ffff:127.0.0.1]/a.png",
    "https://[64:ff9b::7f00:1]/a.png",
    "https://[::1",
    "https://localhost/a.png",
    "https://metadata.google.internal/computeMetadata/v1/",
    # Characters that one parser drops and the next one reads.
    "https://photos.example.com/a.png\r\nHost: evil.example",
    "https://photos.exam\tple.com/a.png",
    " https://photos.example.com/a.png",
    "https://photos.example.com/a b.png",
    "https://photos.example.com/\x00a.png",
    # Files in the bucket that are somebody else's, or nobody's.
    f"gs://{BUCKET}/users/eve/inputs/a.png",
    f"gs://{BUCKET}/users/adam/inputs/a.png",
    f"gs://{BUCKET}/secret.png",
    f"gs://{BUCKET}/users/ada",
    f"gs://{BUCKET}/users/ada/",
    "gs://other/users/ada/inputs/a.png",
    f"gs://{BUCKET}x/users/ada/inputs/a.png",
    f"gs:///{BUCKET}/users/ada/inputs/a.png",
    f"GS://{BUCKET}/users/ada/inputs/a.png",
    f"gs://{BUCKET}/users/ada/../eve/inputs/a.png",
    f"gs://{BUCKET}/users/ada/./a.png",
    f"gs://{BUCKET}/users/ada//a.png",
    f"gs://{BUCKET}/users/ada/..",
    f"gs://{BUCKET}/users/ada/..\\eve\\a.png",
    f"gs://{BUCKET}/users/ada/%2e%2e/eve/a.png",
    f"gs://{BUCKET}/users/ada/inputs/a.png\n",
    f"gs://{BUCKET}/users/ada/" + "a" * 1024,
    # The same through download URLs.
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Feve%2Finputs%2Fa.png?alt=media&token={TOKEN}",
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Fada%2F..%2Feve%2Fa.png",
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Fada%2F%2e%2e%2feve%2fa.png",
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%252Fada%252Finputs%252Fa.png",
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Fada%2F%252e%252e%252Feve%252Fa.png",
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Fada%2F%00a.png",
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Fada%2F%ffa.png",
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/users/ada/inputs/a.png",
    f"{DOWNLOADS}/v0/b/{BUCKET}/../b/other/o/{OWN}",
    f"{DOWNLOADS}/v0/b/other/o/{OWN}",
    f"{DOWNLOADS}/v0/b/%2e%2e/o/{OWN}",
    f"{DOWNLOADS}/v0/b/{BUCKET}%2F/o/{OWN}",
    f"{DOWNLOADS}:444/v0/b/{BUCKET}/o/{OWN}",
    f"{DOWNLOADS}.evil.example/v0/b/{BUCKET}/o/{OWN}",
    f"https://storage.example@evil.example/v0/b/{BUCKET}/o/{OWN}",
    f"http://storage.example/v0/b/{BUCKET}/o/{OWN}",
)

#: What an allowed host's name may lead to, and where nothing is fetched.
PRIVATE_ADDRESSES = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255"),
    *("172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255"),
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.127.255.255", "100.100.100.200"),
    *("192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    "168.63.129.16",
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::a00:1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::1", "2001::1", "2001:0:7f00:1::"),
    *("fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254"),
    *("fd20:ce::254", "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1"),
    "no address",
)

#: Where an allowed host may send us, and we do not go.
WRONG_REDIRECTS = (
    *("http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/"),
    *("http://photos.example.com/b.png", "http://127.0.0.1:8080/", "https://[::1]/b.png"),
    *("https://evil.example/b.png", "//evil.example/b.png", "https://photos.example.com:22/"),
    *(f"https://{TOKEN}@photos.example.com/", "file:///etc/passwd", "ftp://photos.example.com/b"),
    *("gs://pictures/users/ada/inputs/a.png", "data:image/png;base64,AAAA", "https://[::1"),
    *("https://photos.example.com\\@evil.example/", "https://2130706433/", "javascript:alert(1)"),
    f"{DOWNLOADS}/v0/b/{BUCKET}/o/{OWN}",
)
