// One chunk, loaded when the first editor appears.
// @ts-types="./codemirror.d.ts"
import CodeMirror from "codemirror";
// @ts-types="./codemirror.d.ts"
import "codemirror/addon/comment/comment.js";
// @ts-types="./codemirror.d.ts"
import "codemirror/addon/edit/closebrackets.js";
// @ts-types="./codemirror.d.ts"
import "codemirror/addon/edit/matchbrackets.js";
// @ts-types="./codemirror.d.ts"
import "codemirror/addon/hint/show-hint.js";
// @ts-types="./codemirror.d.ts"
import "codemirror/mode/javascript/javascript.js";
// @ts-types="./codemirror.d.ts"
import "codemirror/mode/markdown/markdown.js";
// @ts-types="./codemirror.d.ts"
import "codemirror/mode/sql/sql.js";
// @ts-types="./codemirror.d.ts"
import "codemirror/mode/yaml/yaml.js";

export default CodeMirror;
