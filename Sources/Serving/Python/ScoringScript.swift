/// What runs in a scoring process: mlflow's own scoring server on a socket in the file system, because the sandbox has
/// no network. It says in its log, in lines that begin with `slipway:`, what is wrong with the environment.
enum ScoringScript {
    static let fileName = "scoring.py"
    /// Before a line for the server's eyes.
    static let mark = "slipway: "
    /// Before what the environment lacks, when the model could be loaded all the same.
    static let noteMark = "slipway: note: "

    /// Arguments: the model's folder, the socket.
    static let text = #"""
        import importlib.metadata
        import os
        import sys

        model_folder, socket = sys.argv[1:3]


        def refuse(text):
            print("slipway: " + text, flush=True)
            sys.exit(3)


        def unmet():
            """What requirements.txt asks for and this environment does not have, as text."""
            try:
                with open(os.path.join(model_folder, "requirements.txt"), encoding="utf-8") as file:
                    lines = file.read().splitlines()
            except OSError:
                return ""
            from packaging.requirements import InvalidRequirement, Requirement

            found = []
            for line in lines:
                text = line.split("#")[0].strip()
                try:
                    wanted = Requirement(text)
                except InvalidRequirement:
                    continue
                if wanted.marker and not wanted.marker.evaluate():
                    continue
                # The skinny distribution is the same mlflow with fewer dependencies.
                names = [wanted.name] + (["mlflow-skinny"] if wanted.name == "mlflow" else [])
                have = None
                for name in names:
                    try:
                        have = importlib.metadata.version(name)
                        break
                    except importlib.metadata.PackageNotFoundError:
                        pass
                if have is None:
                    found.append(f"{text} (it has none)")
                elif not wanted.specifier.contains(have, prereleases=True):
                    found.append(f"{text} (it has {have})")
            return ", ".join(found)


        try:
            import uvicorn
            from mlflow.pyfunc import scoring_server

            scoring_server.init, scoring_server.load_model_with_mlflow_config
        except (ImportError, AttributeError) as error:
            refuse(f"{sys.executable} has no mlflow with a scoring server ({error}). Install mlflow 2.22 or newer in it, "
                   "or start the server with --python FOLDER of an environment that has it.")

        needs = unmet()
        try:
            app = scoring_server.init(scoring_server.load_model_with_mlflow_config(model_folder))
        except Exception as error:
            import traceback

            traceback.print_exc()
            refuse(f"mlflow could not load the model: {type(error).__name__}: {error}."
                   + (f" The model asks for what this Python environment does not have: {needs}." if needs else ""))
        if needs:
            print("slipway: note: the model asks for " + needs, flush=True)
        uvicorn.run(app, uds=socket, log_level="warning", access_log=False)
        """#
}
