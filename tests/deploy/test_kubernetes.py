"""The Kubernetes manifests: each is what the cluster's API takes, and what they name is there.

They are read here as kustomize reads them, as far as they use it: no kustomize is needed.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_compose import ROOT, is_setting

FOLDER = ROOT / "deploy" / "kubernetes"
BASE, PRODUCTION = FOLDER / "base", FOLDER / "production"
VALIDATE = ROOT / ".venv" / "tools" / "bin" / "kubernetes-validate"
KUBERNETES = "1.33"
KUSTOMIZATION_KEYS = {
    "apiVersion", "configMapGenerator", "images", "kind", "labels", "namespace", "resources", "secretGenerator",
}  # fmt: skip
PROGRAMS = ("worker", "beat", "console", "flower", "migrate")
Object = dict[str, Any]


@cache
def kustomization(folder: Path) -> Object:
    text: Object = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return text


@cache
def objects() -> list[Object]:
    """All objects that are written down, of the base and of the overlay."""
    files = [folder / name for folder in (BASE, PRODUCTION) for name in kustomization(folder)["resources"]]
    return [entry for file in files if file.is_file() for entry in yaml.safe_load_all(file.read_text())]


def named(kind: str) -> dict[str, Object]:
    return {entry["metadata"]["name"]: entry for entry in objects() if entry["kind"] == kind}


def generated(kind: str) -> dict[str, Object]:
    """What the overlay's generators make, with what it adds to the base's."""
    merged: dict[str, Object] = {}
    for folder in (BASE, PRODUCTION):
        for made in kustomization(folder).get(kind, ()):
            kept = merged.setdefault(made["name"], {"literals": [], "files": []})
            for key, lines in kept.items():
                lines += made.get(key, [])
    return merged


def workloads() -> dict[str, Object]:
    """The Deployments and the Job, by what they run."""
    found = [*named("Deployment").values(), *named("Job").values()]
    return {entry["metadata"]["name"].removeprefix("dialer-"): entry for entry in found}


def pod(name: str) -> Object:
    spec: Object = workloads()[name]["spec"]["template"]["spec"]
    return spec


def container(name: str) -> Object:
    (only,) = pod(name)["containers"]
    return dict(only)


def settings() -> dict[str, str]:
    """The variables that every program gets, and those of one alone."""
    shared = dict(line.split("=", 1) for line in generated("configMapGenerator")["dialer-settings"]["literals"])
    own = {entry["name"]: entry["value"] for name in PROGRAMS for entry in container(name).get("env", ())}
    return shared | own


@pytest.mark.skipif(not VALIDATE.exists(), reason="there is no kubernetes-validate (make .venv/.installed-tools)")
def test_the_cluster_takes_every_object_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(objects()))
    judged = subprocess.run([VALIDATE, "--strict", "-k", KUBERNETES, file], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert (judged.stdout + judged.stderr).count(" passed for resource ") == len(objects())


def test_a_kustomization_names_every_file_beside_it_and_uses_nothing_that_is_unknown_here() -> None:
    for folder in (BASE, PRODUCTION):
        text = kustomization(folder)
        assert set(text) <= KUSTOMIZATION_KEYS
        here = {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert {name for name in text["resources"] if not (folder / name).is_dir()} == here
        assert all((folder / name / "kustomization.yaml").is_file() for name in text["resources"] if "/" in name)


def test_every_program_is_there_once_and_runs_what_the_compose_file_runs() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(workloads()) == set(PROGRAMS)
    for name in PROGRAMS:
        composed = [re.sub(r"\$\{\w+:-(.*)\}", r"\1", word) for word in services[name]["command"]]
        assert container(name)["command"] == composed, name


def test_the_image_is_named_in_the_overlay_alone() -> None:
    assert {container(name)["image"] for name in PROGRAMS} == {"campaign-dialer"}
    assert [image["name"] for image in kustomization(PRODUCTION)["images"]] == ["campaign-dialer"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_pod_has_few_rights_bounded_resources_and_writes_into_its_volumes_alone(name: str) -> None:
    inside = container(name)
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {pod(name)['securityContext']['runAsUser']} " in (ROOT / "Dockerfile").read_text()
    assert pod(name)["automountServiceAccountToken"] is False
    assert inside["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= set(inside["resources"]["requests"]) & set(inside["resources"]["limits"])
    mounted = {mount["name"] for mount in inside["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod(name)["volumes"]} == {"data", "tmp", "secrets"}


def test_a_stopping_worker_has_the_time_that_compose_gives_it() -> None:
    worker = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]
    assert f"{pod('worker')['terminationGracePeriodSeconds']}s" == worker["stop_grace_period"]


def references() -> Iterator[tuple[str, str]]:
    """Each name of another object that is written in one, with its kind."""
    for name in PROGRAMS:
        yield "ServiceAccount", pod(name)["serviceAccountName"]
        for entry in container(name)["envFrom"]:
            yield "configMapGenerator", entry["configMapRef"]["name"]
        for volume in pod(name)["volumes"]:
            if "secret" in volume:
                yield "secretGenerator", volume["secret"]["secretName"]
            if "persistentVolumeClaim" in volume:
                yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    for scaler in named("HorizontalPodAutoscaler").values():
        yield "Deployment", scaler["spec"]["scaleTargetRef"]["name"]
    for ingress in named("Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                yield "Service", path["backend"]["service"]["name"]


@pytest.mark.parametrize(("kind", "name"), sorted(set(references())))
def test_what_an_object_refers_to_is_there(kind: str, name: str) -> None:
    assert name in (generated(kind) if kind.endswith("Generator") else named(kind))


def test_what_is_selected_by_a_label_is_there() -> None:
    labels = {
        entry["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] for entry in workloads().values()
    }
    for name in PROGRAMS:
        if "selector" in workloads()[name]["spec"]:
            assert workloads()[name]["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/component": name}
    text = yaml.safe_dump_all(objects())
    assert labels == set(PROGRAMS)
    assert set(re.findall(r"app\.kubernetes\.io/component: (\w+)", text)) == labels


def test_a_service_and_a_probe_name_a_port_that_is_open() -> None:
    for name, service in named("Service").items():
        inside = container(name.removeprefix("dialer-"))
        ports = {port["name"]: port["containerPort"] for port in inside["ports"]}
        assert all(ports[port["targetPort"]] == port["port"] for port in service["spec"]["ports"])
        for probe in ("livenessProbe", "readinessProbe"):
            assert inside[probe]["httpGet"]["port"] in ports


def test_the_console_is_alive_and_ready_by_what_it_answers_everybody() -> None:
    assert container("console")["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container("console")["readinessProbe"]["httpGet"]["path"] == "/readyz?need=ledger"


def test_a_probe_asks_under_a_name_that_is_answered() -> None:
    for name in ("console", "flower"):
        (hosts,) = [entry["value"] for entry in container(name)["env"] if entry["name"] == "DIALER_CONSOLE__HOSTS"]
        for probe in ("livenessProbe", "readinessProbe"):
            (header,) = container(name)[probe]["httpGet"]["httpHeaders"]
            assert (header["name"], header["value"] in hosts) == ("Host", True)


def test_nothing_restarts_a_worker_because_redis_is_away() -> None:
    assert "livenessProbe" not in container("worker")
    assert "--destination=worker@$(hostname)" in container("worker")["readinessProbe"]["exec"]["command"][2]


def test_workers_and_consoles_are_never_all_taken_away_at_once() -> None:
    budgets = named("PodDisruptionBudget")
    assert set(budgets) == {"dialer-worker", "dialer-console"}
    assert all(budget["spec"]["minAvailable"] == 1 for budget in budgets.values())
    assert named("HorizontalPodAutoscaler")["dialer-worker"]["spec"]["minReplicas"] > 1
    assert workloads()["console"]["spec"]["replicas"] > 1
    assert "replicas" not in workloads()["worker"]["spec"], "the autoscaler would be undone at each change"


def test_workers_are_scaled_by_a_metric_that_is_served() -> None:
    (metric,) = named("HorizontalPodAutoscaler")["dialer-worker"]["spec"]["metrics"]
    assert f"| `{metric['external']['metric']['name']}` | gauge |" in (ROOT / "docs" / "metrics.md").read_text()


def test_every_variable_is_a_setting_and_every_secret_is_a_file() -> None:
    for name, value in settings().items():
        setting = name.removesuffix("__FILE")
        assert is_setting(setting), name
        secret = re.search(r"PASSWORD$|KEY$|SECRET$|TOKEN$|(LEDGER|REDIS)__URL$", setting)
        assert bool(secret) == name.endswith("__FILE"), name
        if secret:
            file = Path(value)
            assert f"secrets/{file.name}" in generated("secretGenerator")["dialer-secrets"]["files"]
            assert {"name": "secrets", "mountPath": str(file.parent), "readOnly": True} in container("worker")[
                "volumeMounts"
            ]


def test_git_keeps_no_secret() -> None:
    assert "/secrets/" in (PRODUCTION / ".gitignore").read_text().splitlines()
    assert not named("Secret")
