"""The shell scripts of a deployment and of its end, step by step, in bash.

A deployment may be begun again wherever it stopped: every step looks at what is there. Functions,
rules and indexes come before the workers, since a worker leaves alone what it does not know, and
the sweep makes that good.
"""

import shlex

from tools.deploy.target import Target

TERRAFORM = "terraform -chdir=infra"
#: Which image Terraform is to deploy: a file of variables, since only a file can say null.
IMAGE_FILE = "build/deploy/image.tfvars.json"

NEEDED = """\
for tool in {tools}; do
  command -v "$tool" > /dev/null || {{ echo "$tool is needed, and is not installed." >&2; exit 1; }}
done"""

#: The APIs are those that Terraform asks before it can turn on any other.
STATE = """\
gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com \\
  --project {project}
gcloud storage buckets describe {state} --project {project} --quiet > /dev/null 2>&1 || {{
  gcloud storage buckets create {state} --project {project} --uniform-bucket-level-access
  gcloud storage buckets update {state} --project {project} --versioning
}}
{terraform} init -input=false -reconfigure \\
  -backend-config={backend} -backend-config=prefix=emberframe"""

#: What a destroyed deployment left behind is taken up again.
KEPT = """\
if [ -z "$({terraform} state list google_storage_bucket.files 2> /dev/null || true)" ] &&
    gcloud storage buckets describe {bucket} --project {project} --quiet > /dev/null 2>&1; then
  {terraform} import -input=false {variables} \\
    google_storage_bucket.files {bucket_id}
fi
if [ -z "$({terraform} state list google_firestore_database.this 2> /dev/null || true)" ] &&
    gcloud firestore databases describe '--database=(default)' --project {project} \\
      --quiet > /dev/null 2>&1; then
  {terraform} import -input=false {variables} \\
    google_firestore_database.this {database_id}
fi"""

SECRETS = """\
{terraform} apply -input=false{approved} {variables} \\
  -target=google_secret_manager_secret.all
for name in $({terraform} output -json secrets | tr -cs 'A-Z0-9_' ' '); do
  VERSION=$(gcloud secrets versions list "$name" --project {project} \\
    --filter state=ENABLED --limit 1 --format 'value(name)')
  if [ -z "$VERSION" ]; then
    echo "The secret $name has no value. Give it one and deploy again:" >&2
    echo "  read -rs KEY && printf %s \\"\\$KEY\\" |" \\
      "gcloud secrets versions add $name --project {project} --data-file=-" >&2
    exit 1
  fi
done"""

# Whatever the machine that builds: Google's GPUs stand beside x86.
BUILD = """\
REPOSITORY=$({terraform} output -raw image_repository)
TAG="$REPOSITORY/worker:$(git describe --always --dirty)"
gcloud auth configure-docker "${{REPOSITORY%%/*}}" --quiet
docker build --platform linux/amd64 --tag "$TAG" --build-arg MODELS={models} .
docker push "$TAG"
IMAGE=$(docker inspect --format '{{{{index .RepoDigests 0}}}}' "$TAG")"""

APPLY = "{terraform} apply -input=false{approved} {variables}"
WRITE_IMAGE = """\
mkdir -p build/deploy
printf '{{"image": "%s"}}\\n' "$IMAGE" > {file}"""

#: Workers that are not there yet do not run; then nothing can be pushed to them either.
LAST_IMAGE = """\
IMAGE=$({terraform} output -raw image 2> /dev/null || true)
mkdir -p build/deploy
if [ -n "$IMAGE" ]; then
  printf '{{"image": "%s"}}\\n' "$IMAGE" > {file}
else
  echo '{{"image": null, "push": null}}' > {file}
fi"""

GIVEN_IMAGE = "IMAGE={image}\n" + WRITE_IMAGE

DESTROY_KEEPING = """\
for kept in google_firebase_storage_bucket.files google_storage_bucket.files; do
  [ -z "$({terraform} state list "$kept")" ] || {terraform} state rm "$kept"
done
{terraform} destroy -input=false{approved} {variables}
echo 'Files and the database stay; a deployment takes them up again.'"""

DESTROY_ALL = """\
{terraform} apply -input=false{approved} {variables} -var=deletion_protection=false \\
  -target=google_storage_bucket.files -target=google_firestore_database.this
{terraform} destroy -input=false{approved} {variables} -var=deletion_protection=false"""


def deployment(target: Target) -> str:
    """Everything, in the order in which a running deployment can be changed as well."""
    builds = target.image is None
    image = LAST_IMAGE if builds else GIVEN_IMAGE
    steps = [
        ("what is needed here", NEEDED),
        ("the source of the functions", "make --no-print-directory bundle"),
        ("where Terraform keeps its state", STATE),
        ("the image that runs now, if any" if builds else "the image", image),
        ("what an earlier deployment kept", KEPT),
        ("secrets", SECRETS),
        ("infrastructure, rules, indexes and functions" if builds else "all of it", APPLY),
    ]
    if builds:
        steps += [("the image of the workers", BUILD), ("the workers", WRITE_IMAGE + "\n" + APPLY)]
    steps.append(("what apps and other workers need to know", "{terraform} output"))
    tools = "gcloud terraform docker git" if builds else "gcloud terraform"
    return _script("deploy", target, steps, tools=tools)


def destruction(target: Target, *, with_data: bool) -> str:
    """Everything goes; pictures, films and documents only `with_data`."""
    steps = [
        ("what is needed here", NEEDED),
        (
            "the functions' source, which the configuration reads",
            "make --no-print-directory bundle",
        ),
        ("where Terraform keeps its state", STATE),
        ("the image that runs now, if any", LAST_IMAGE),
        (
            "everything, data too" if with_data else "all but data",
            DESTROY_ALL if with_data else DESTROY_KEEPING,
        ),
    ]
    return _script("destroy", target, steps, tools="gcloud terraform")


def _script(name: str, target: Target, steps: list[tuple[str, str]], *, tools: str) -> str:
    quote = shlex.quote
    facts = {
        "tools": tools,
        "terraform": TERRAFORM,
        "project": quote(target.project),
        "state": quote(f"gs://{target.project}-terraform"),
        "backend": quote(f"bucket={target.project}-terraform"),
        "bucket": quote(f"gs://{target.bucket}"),
        "bucket_id": quote(f"{target.project}/{target.bucket}"),
        "database_id": quote(f"projects/{target.project}/databases/(default)"),
        # Paths as Terraform sees them, inside infra/.
        "variables": f"-var-file={quote(target.environment)}.tfvars -var-file=../{IMAGE_FILE}",
        "approved": " -auto-approve" if target.approved else "",
        "models": quote(target.models),
        "image": quote(target.image or ""),
        "file": IMAGE_FILE,
    }
    lines = [
        f"# make {name} PROJECT={facts['project']} ENV={quote(target.environment)}",
        "set -euo pipefail",
    ]
    for number, (what, commands) in enumerate(steps, start=1):
        said = f"{number} of {len(steps)}: {what}"
        lines += ["", f"echo {quote(f'── {said}')}", commands.format(**facts)]
    return "\n".join([*lines, ""])
