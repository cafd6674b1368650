"""The shell scripts of a deployment and of its end, step by step, in bash.

A deployment may be begun again wherever it stopped: every step looks at what is there. Functions,
rules and indexes come before the workers: the functions of a release know all that older workers
do, and not the other way round.
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

#: The APIs are those that are asked before Terraform can turn on any other. Names of buckets are
#: everybody's: a bucket that this project does not own must not hold its state.
STATE = """\
gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com \\
  storage.googleapis.com firestore.googleapis.com --project {project}
BUCKETS=$(gcloud storage buckets list --project {project} --format 'value(name)')
if ! grep -qxF {state} <<< "$BUCKETS"; then
  gcloud storage buckets create gs://{state} --project {project} \\
    --uniform-bucket-level-access --public-access-prevention
  gcloud storage buckets update gs://{state} --project {project} --versioning
fi
{terraform} init -input=false -reconfigure \\
  -backend-config=bucket={state} -backend-config=prefix=emberframe
STATE=$({terraform} state pull)
RESOURCES=""
if [ -n "$STATE" ]; then
  RESOURCES=$({terraform} state list)
fi"""

#: What a destroyed deployment left behind is taken up again.
KEPT = """\
if ! grep -qxF google_storage_bucket.files <<< "$RESOURCES" &&
    grep -qxF {bucket} <<< "$BUCKETS"; then
  {terraform} import -input=false {variables} \\
    google_storage_bucket.files {project}/{bucket}
  {terraform} import -input=false {variables} \\
    google_firebase_storage_bucket.files projects/{project}/buckets/{bucket} ||
    echo 'The bucket is not linked to Firebase yet.'
fi
DATABASES=$(gcloud firestore databases list --project {project} --format 'value(name)')
if ! grep -qxF google_firestore_database.this <<< "$RESOURCES" &&
    grep -qxF {database} <<< "$DATABASES"; then
  {terraform} import -input=false {variables} \\
    google_firestore_database.this {database}
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

# Whatever the machine that builds: Google's GPUs stand beside x86. The same image may have been
# pushed elsewhere too: of its digests the one of this repository counts.
BUILD = """\
REPOSITORY=$({terraform} output -raw image_repository)
TAG="$REPOSITORY/worker:$(git describe --always --dirty)"
gcloud auth configure-docker "${{REPOSITORY%%/*}}" --quiet
docker build --platform linux/amd64 --tag "$TAG" --build-arg MODELS={models} .
docker push "$TAG"
DIGESTS=$(docker inspect --format '{{{{range .RepoDigests}}}}{{{{println .}}}}{{{{end}}}}' "$TAG")
IMAGE=$(grep -m 1 "^$REPOSITORY/worker@" <<< "$DIGESTS")"""

APPLY = "{terraform} apply -input=false{approved} {variables}"
WRITE_IMAGE = """\
mkdir -p build/deploy
printf '{{"image": "%s"}}\\n' "$IMAGE" > {file}"""

#: Workers that are not there yet do not run; then nothing can be pushed to them either.
LAST_IMAGE = """\
IMAGE=$(python3 tools/deploy/running_image.py <<< "$STATE")
mkdir -p build/deploy
if [ -n "$IMAGE" ]; then
  printf '{{"image": "%s"}}\\n' "$IMAGE" > {file}
else
  echo '{{"image": null, "push": null}}' > {file}
fi"""

GIVEN_IMAGE = "IMAGE={image}\n" + WRITE_IMAGE

#: Whatever Terraform's own protection says: what it does not know it does not remove.
DESTROY_KEEPING = """\
for kept in google_firebase_storage_bucket.files google_storage_bucket.files \\
    google_firestore_database.this; do
  if grep -qxF "$kept" <<< "$RESOURCES"; then
    {terraform} state rm "$kept"
  fi
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
    tools = "gcloud terraform docker git python3" if builds else "gcloud terraform"
    return _script("deploy", target, steps, tools=tools)


def destruction(target: Target, *, with_data: bool) -> str:
    """Everything goes; pictures, films and documents only `with_data`, kept ones of before too."""
    steps = [
        ("what is needed here", NEEDED),
        ("the source of the functions, which Terraform reads", "make --no-print-directory bundle"),
        ("where Terraform keeps its state", STATE),
        ("the image that runs now, if any", LAST_IMAGE),
    ]
    if with_data:
        steps += [
            ("what an earlier deployment kept", KEPT),
            ("everything, data too", DESTROY_ALL),
        ]
    else:
        steps.append(("all but data", DESTROY_KEEPING))
    return _script("destroy", target, steps, tools="gcloud terraform python3")


def _script(name: str, target: Target, steps: list[tuple[str, str]], *, tools: str) -> str:
    quote = shlex.quote
    facts = {
        "tools": tools,
        "terraform": TERRAFORM,
        "project": target.project,
        "state": f"{target.project}-terraform",
        "bucket": target.bucket,
        "database": quote(f"projects/{target.project}/databases/(default)"),
        # Paths as Terraform sees them, inside infra/.
        "variables": f"-var-file={target.environment}.tfvars -var-file=../{IMAGE_FILE}",
        "approved": " -auto-approve" if target.approved else "",
        "models": target.models,
        "image": quote(target.image or ""),
        "file": IMAGE_FILE,
    }
    lines = [
        f"# make {name} PROJECT={target.project} ENV={target.environment}",
        "set -euo pipefail",
    ]
    for number, (what, commands) in enumerate(steps, start=1):
        said = f"{number} of {len(steps)}: {what}"
        lines += ["", f"echo {quote(f'── {said}')}", commands.format(**facts)]
    return "\n".join([*lines, ""])
