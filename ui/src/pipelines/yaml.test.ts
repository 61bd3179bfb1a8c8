import { parseYaml, toJson, writeYaml } from "./yaml.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a}\nis not\n${b}`);
}
const read = (text: string) => {
  const { root, problems } = parseYaml(text);
  equal(problems, []);
  return root && toJson(root);
};

Deno.test("a pipeline as people write it", () => {
  equal(
    read(`name: restock   # comment
params:
  horizon: 14
  learner: {default: gbm, choices: [gbm, linear], description: "Which # learner"}
  day: {type: text}
triggers:
- schedule: "30 3 * * MON-FRI"
  params: {day: latest}
- event: monitor.alert
  params: {day: "\${event.data.day}"}

steps:
  - name: train
    run: [python, train.py, --report, "weekly report"]
    inputs:
      table: steps.features.table
      test: dataset:sales@3
    cpu: .5
    network: true
    needs: []
  -
    name: notes
    run: |
      one
        two
    variables: {A: 'it''s', B: ~}
`),
    {
      name: "restock",
      params: {
        horizon: 14,
        learner: { default: "gbm", choices: ["gbm", "linear"], description: "Which # learner" },
        day: { type: "text" },
      },
      triggers: [
        { schedule: "30 3 * * MON-FRI", params: { day: "latest" } },
        { event: "monitor.alert", params: { day: "${event.data.day}" } },
      ],
      steps: [
        {
          name: "train",
          run: ["python", "train.py", "--report", "weekly report"],
          inputs: { table: "steps.features.table", test: "dataset:sales@3" },
          cpu: 0.5,
          network: true,
          needs: [],
        },
        { name: "notes", run: "one\n  two\n", variables: { A: "it's", B: null } },
      ],
    },
  );
});

Deno.test("flow collections over several lines, text that goes on", () => {
  equal(read('a: [1,\n  two,\n  {b: c}]\nd: one\n  two\ne: "x: y"'), {
    a: [1, "two", { b: "c" }],
    d: "one two",
    e: "x: y",
  });
});

Deno.test("what is wrong is told with its line", () => {
  const problems = (text: string) => parseYaml(text).problems.map(({ line, message }) => `${line} ${message}`);
  equal(problems("a: 1\na: 2"), ["1 'a' is there twice."]);
  equal(problems("a:\n  b: 1\n c: 2"), ["2 This line does not belong to what is above it: look at its indentation."]);
  equal(problems("a: *b"), ["0 Text that begins with '*' needs quotes."]);
  equal(problems("a: [1, 2"), ["0 ']' is missing."]);
  equal(problems("a: 1\nrubbish\nb: 2"), ["1 A line 'key: value' belongs here."]);
});

Deno.test("what is written is read as the same", () => {
  const value = {
    name: "x",
    description: "Two: lines # no",
    params: { day: { default: "007", type: "text" }, share: { default: 0.5 }, on: { default: true, note: "true" } },
    steps: [{
      name: "a",
      run: ["python", "-c", "print('x, y')", "*", "${params.day}"],
      inputs: {},
      outputs: { t: "dir" },
    }],
    text: "a\n  b\n",
    nested: [[1, 2], [["a b"], { c: "" }]],
  };
  equal(read(writeYaml(value)), value);
});
