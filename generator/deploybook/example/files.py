"""What lies in the example's repositories at first: source trees, owners, pipelines."""

from __future__ import annotations

from deploybook.example.cast import Spec

MODULES: dict[str, tuple[str, ...]] = {
    "Checkout": ("basket", "totals", "vouchers", "delivery", "thanks"),
    "Accounts": ("sign_in", "profile", "addresses", "orders", "passkeys"),
    "Catalogue": ("products", "sizes", "pictures", "categories", "prices"),
    "Search": ("query", "filters", "ranking", "suggestions", "spelling"),
    "Warehouse": ("picking", "stock", "labels", "returns", "aisles"),
    "Messages": ("mails", "texts", "alerts", "templates"),
    "Payments": ("cards", "refunds", "instalments", "receipts"),
}

GITHUB_CI = """name: ci
on:
  pull_request:
  push:
    branches: [main]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: make build
  test:
    needs: build
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.12", "3.13"]
    steps:
      - uses: actions/checkout@v4
      - run: make test PYTHON=${{ matrix.python }}
"""

GITHUB_DELIVER = """name: deliver
on:
  workflow_dispatch:
  schedule:
    - cron: "0 9 * * 1-4"
concurrency: deliver
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: make image
  staging:
    name: Deploy to staging
    needs: build
    runs-on: ubuntu-latest
    environment: staging
    steps:
      - run: make deploy ENVIRONMENT=staging
  smoke:
    name: Smoke tests
    needs: staging
    runs-on: ubuntu-latest
    steps:
      - run: make smoke ENVIRONMENT=staging
  production:
    name: Deploy to production
    needs: smoke
    runs-on: ubuntu-latest
    environment: ${{ matrix.region }}
    strategy:
      max-parallel: 1
      matrix:
        region: [prod-eu, prod-us]
    steps:
      - run: deploybook gate ${{ matrix.region }} --revision ${{ github.sha }}
      - run: make deploy ENVIRONMENT=${{ matrix.region }}
"""

GITLAB_CI = """stages: [build, test, staging, production]

build:
  stage: build
  script: [make build]

test:
  stage: test
  needs: [build]
  script: [make test]

deploy-staging:
  stage: staging
  script: [make deploy ENVIRONMENT=staging]
  environment: {name: staging}
  rules:
    - if: $CI_COMMIT_BRANCH == "main"

deploy-prod-eu:
  stage: production
  script: [make deploy ENVIRONMENT=prod-eu]
  environment: {name: prod-eu}
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
      when: manual

deploy-prod-us:
  stage: production
  needs: [deploy-prod-eu]
  script: [make deploy ENVIRONMENT=prod-us]
  environment: {name: prod-us}
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
"""


def source_paths(spec: Spec, area: str) -> list[str]:
    """The files of one area of a codebase."""
    prefix = f"{spec.path}/" if spec.path else ""
    return [f"{prefix}src/{area.lower()}/{module}.py" for module in MODULES[area]]


def first_files(specs: list[Spec]) -> dict[str, list[str]]:
    """The text of the first commit of a repository."""
    files: dict[str, list[str]] = {}
    owners = ["# Who is asked for a review"]
    for spec in specs:
        prefix = f"{spec.path}/" if spec.path else ""
        owners.append(f"/{prefix}  @acme/{spec.team}" if prefix else f"*  @acme/{spec.team}")
        for area in spec.areas:
            for path in source_paths(spec, area):
                name = path.rsplit("/", 1)[1]
                files[path] = [f'"""{area}: {name.removesuffix(".py")}."""', "", "RULES = {}"]
            if area != spec.areas[0]:
                owners.append(f"/{prefix}src/{area.lower()}/  @acme/{_OWNERS.get(area, spec.team)}")
        files[f"{prefix}requirements.txt"] = ["# Pinned by shop-bot", "", "--require-hashes"]
    first = specs[0]
    files["README.md"] = [
        f"# {first.repository}",
        "",
        "Part of the Acme shop. Simulated: nothing here is real.",
    ]
    if first.forge == "gitlab":
        files["CODEOWNERS"] = ["[Warehouse]", *owners[1:], "/src/warehouse/labels.py  @pia-acme"]
        files[".gitlab-ci.yml"] = GITLAB_CI.rstrip("\n").split("\n")
    else:
        files[".github/CODEOWNERS"] = owners
        files[".github/workflows/ci.yml"] = GITHUB_CI.rstrip("\n").split("\n")
        files[".github/workflows/deliver.yml"] = GITHUB_DELIVER.rstrip("\n").split("\n")
    return files


_OWNERS = {"Catalogue": "discovery", "Accounts": "accounts"}
