"""The HTML report in a real browser: chromium, headless, at two widths, light and dark.

A page must have no message on the console, ask for nothing but itself, run nothing, and never be wider than the window.
AUTOTUNE names the program that writes the pages. With SCREENSHOTS, a directory, the pictures are kept to be looked at.
"""
import base64
import json
import os
import pathlib
import subprocess

import pytest
import yaml
from selenium import webdriver

ROOT = pathlib.Path(__file__).resolve().parents[2]


def recorded():
    return yaml.safe_load((ROOT / "tests/engines/runs/2026-11-28-h200/vllm-search.status.yaml").read_text())


def hostile():
    task = recorded()
    attack = "<script>document.title='hit';fetch('http://192.0.2.1/')</script><img src=x onerror=alert(1)>" + "W" * 300
    task["spec"]["description"] = attack
    for experiment in task["status"]["experiments"]:
        experiment["args"] += ["--chat-template", attack]
    task["status"]["experiments"][-1] |= {"state": "Failed", "reason": "OutOfMemory", "message": attack}
    return task


def infeasible():
    task = recorded()
    del task["status"]["best"]
    task["status"]["conditions"][0] |= {"reason": "NoFeasibleConfiguration", "message": "No configuration meets it"}
    return task


def new():
    task = recorded()
    del task["status"]
    return task


def compared():
    task = recorded()
    task["spec"].setdefault("recommendation", {})["diffAgainst"] = {"deployment": "chat"}
    lines = [{"part": "Image", "field": "image", "running": "vllm/vllm-openai:v0.22.0",
              "recommended": "vllm/vllm-openai:v0.24.0@sha256:" + "5b8d" * 16},
             {"part": "Arguments", "field": "compilation-config", "recommended": "--compilation-config '" + "{\"x\": 1}" * 20 + "'"},
             {"part": "Arguments", "field": "max-num-seqs", "running": "--max-num-seqs 256", "recommended": "--max-num-seqs 64"},
             {"part": "Resources", "field": "memory", "running": "64Gi"},
             {"part": "NodeSelection", "field": "node affinity", "recommended": "nvidia.com/gpu.product In NVIDIA-H200"}]
    task["status"].setdefault("recommendation", {})["difference"] = {
        "deployment": "chat", "container": "server", "experiment": "e1", "same": 9, "lines": lines}
    return task


TASKS = {task.__name__: task for task in (recorded, hostile, infeasible, new, compared)}


def look(driver, page, width, scheme, picture):
    """What is wrong with the page at this width and in this scheme."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                           {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    driver.get_log("performance"), driver.get_log("browser")
    driver.get(page.as_uri())
    wrong = [f"console: {entry['message']}" for entry in driver.get_log("browser")]
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if url != page.as_uri():
                wrong.append(f"asked for {url}")
    size = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    if size["width"] > width:
        wrong.append(f"is {size['width']} px wide")
    if driver.title == "hit":
        wrong.append("ran a script")
    dark = driver.find_element("tag name", "body").value_of_css_property("background-color")
    if (dark == "rgba(255, 255, 255, 1)") != (scheme == "light"):
        wrong.append(f"has background {dark}")
    if picture:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": int(size["height"]) + 1, "deviceScaleFactor": 1, "mobile": False})
        picture.write_bytes(base64.b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"]))
    return wrong


@pytest.fixture(scope="session")
def driver():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
    with webdriver.Chrome(options=options, service=service) as browser:
        yield browser


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("width", (400, 1400))
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_page(driver, tmp_path, name, width, scheme):
    program = os.environ.get("AUTOTUNE", ROOT / "build/release/bin/autotune")
    (tmp_path / "task.yaml").write_text(json.dumps(TASKS[name]()))
    page = tmp_path / "page.html"
    subprocess.run([program, "report", "-f", tmp_path / "task.yaml", "--to", page], check=True)
    keep = os.environ.get("SCREENSHOTS")
    picture = pathlib.Path(keep) / f"{name}-{width}-{scheme}.png" if keep else None
    assert look(driver, page, width, scheme, picture) == []


@pytest.mark.parametrize("width", (400, 1400))
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_comparison(driver, tmp_path, width, scheme):
    """Of a task with a copy of itself whose loads carry less."""
    program = os.environ.get("AUTOTUNE", ROOT / "build/release/bin/autotune")
    (tmp_path / "next.yaml").write_text(json.dumps(recorded()))
    today = recorded()
    today["metadata"]["name"] = "today"
    for experiment in today["status"]["experiments"]:
        for load in experiment.get("loads", []):
            load["outputTokensPerSecond"] = str(float(load["outputTokensPerSecond"]) * 0.8)
    today["status"]["best"]["score"] = str(float(today["status"]["best"]["score"]) * 0.8)
    (tmp_path / "today.yaml").write_text(json.dumps(today))
    page = tmp_path / "page.html"
    subprocess.run([program, "compare", tmp_path / "today.yaml", tmp_path / "next.yaml", "-o", "html", "--to", page], check=True)
    keep = os.environ.get("SCREENSHOTS")
    picture = pathlib.Path(keep) / f"comparison-{width}-{scheme}.png" if keep else None
    assert look(driver, page, width, scheme, picture) == []
