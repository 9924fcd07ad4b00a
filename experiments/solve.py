"""``solve``: which edits, on the user's graph?"""

import dataclasses
import time
from pathlib import Path

from experiments import curate, query, train
from experiments.configs import Solve, Train
from experiments.display import Display, settings
from experiments.folder import RunFolder, free_name, make_folder, open_run, stem
from experiments.problem import make_problem
from experiments.report import page
from experiments.solving import enter_networks, solve_networks

__all__ = ["run"]


def run(command: Solve) -> int:
    """Edit the graph with a run's policy, or after training on shuffles of it (then this is ``train --graph``).

    With a query, answer that instead; of a knowledge graph, say which facts are missing and which are suspicious.
    """
    if command.query is not None:
        return query.run(command)
    if curate.is_knowledge(command):
        return curate.run(command)
    if command.graph is None:
        raise ValueError("--graph is missing: give a graph file or a named data set (see `list datasets`).")
    name = command.name or free_name(command.runs_dir, f"solve-{stem(command.graph)}")
    if command.run is not None:
        return _by_run(command, name)
    given = {key: getattr(command, key) for key in ("objective", "budget") if getattr(command, key) is not None}
    same = (
        "graph", "env", "cost", "cost_budget", "weights", "new_weight", "reading", "seeds", "search_nodes", "runs_dir",
        "dqn",
    )  # fmt: skip
    return train.run(Train(**{key: getattr(command, key) for key in same}, **given, pool="shuffles", name=name))


def _by_run(command: Solve, name: str) -> int:
    display, begun = Display(), time.perf_counter()
    run_folder, config = open_run(command.run or Path())
    if command.objective not in (None, config.objective):
        raise ValueError(
            f"--objective {command.objective}: the run {run_folder.path} was trained for {config.objective}. Leave out "
            "--objective, or leave out --run to train anew."
        )
    if command.cost not in ("", config.cost):
        raise ValueError(
            f"--cost {command.cost}: the run {run_folder.path} was trained with '{config.cost}'. Leave out --cost, or "
            "leave out --run to train anew."
        )
    if command.weights not in ("auto", config.weights):
        raise ValueError(
            f"--weights {command.weights}: the run {run_folder.path} was trained with --weights {config.weights}. "
            "Leave it out, or leave out --run to train anew."
        )
    config = dataclasses.replace(config, new_weight=command.new_weight)
    limit = config.cost_budget if command.cost_budget is None else command.cost_budget
    config = dataclasses.replace(config, cost_budget=limit)
    config = dataclasses.replace(config, budget=command.budget or config.budget, search_nodes=command.search_nodes)
    config = dataclasses.replace(config, graph=command.graph, reading=command.reading, pool="shuffles")
    problem = make_problem(dataclasses.replace(config, num_graphs=1, held_out=1), run_folder.encoder())
    graphs = problem.networks
    params, _ = run_folder.policies(problem)
    folder = RunFolder(make_folder(command.runs_dir / name))
    named = [f"{graph.name} ({graph.num_nodes} nodes, {len(graph.edges)} edges)" for graph in graphs]
    rows = settings(problem) | {"graphs": ", ".join(named)}
    display.header("lepton_rl", rows | {"agent": f"trained in {run_folder.path}", "results": str(folder.path)})
    for graph in graphs:
        for line in graph.report:
            display.note(f"{graph.name}: {line}")
    with train.workers() as pool:
        entries = enter_networks(problem, graphs, command.search_nodes, pool)
        with display.phase("solve", sum(len(entry.contest.plans) + 1 for entry in entries)) as phase:
            solutions = solve_networks(problem, params, entries, done=phase.advance)
    sections = train.write_solutions(problem, folder.path, solutions)
    train.show(sections, display)
    folder.write_json("result.json", {
        "run": str(run_folder.path), "objective": config.objective, "budget": config.budget,
        "networks": {solution.graph.name: solution.as_json() for solution in solutions},
    })  # fmt: skip
    title = graphs[0].name if len(graphs) == 1 else command.graph
    folder.write("report.html", page(f"{title}: {config.budget} edits", rows, sections))
    display.say(f"\n{folder.path / 'report.html'}  ({time.perf_counter() - begun:.0f} s in all)")
    return 0
