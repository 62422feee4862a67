import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["**/*.js"],
    rules: {
      curly: "error",
      eqeqeq: "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
      quotes: ["error", "double", { avoidEscape: true, allowTemplateLiterals: true }],
    },
  },
  { files: ["**/mono2stereo/**/*.js"], languageOptions: { sourceType: "script", globals: { ...globals.browser, listening: "writable" } } },
  { files: ["**/tests/**/*.js", "*.js"], languageOptions: { sourceType: "module", globals: globals.node } },
];
