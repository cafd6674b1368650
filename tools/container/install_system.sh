#!/bin/sh
# What the image needs of its distribution: Python, an init process, certificates; and the account
# that everything runs as. Run as root on Ubuntu 24.04, once, in the image's first layer.
set -eu

apt-get update
apt-get install -y --no-install-recommends ca-certificates python3.12 python3.12-venv tini
# Security updates since the base image was published; its digest pins the rest.
apt-get upgrade -y --no-install-recommends
rm -rf /var/lib/apt/lists/*

useradd --create-home --uid 10001 --shell /usr/sbin/nologin worker
install -d -o worker -g worker /models
