import { createTheme, type MantineColorsTuple } from "@mantine/core";

const primary: MantineColorsTuple = [
  "#eaf3fc",
  "#d3e4f6",
  "#a5c8ed",
  "#74aae4",
  "#4d90dc",
  "#357fd6",
  "#1c64b0",
  "#17589c",
  "#104b88",
  "#053c71",
];

const TARGET = "1.5rem";

/**
 * The look of the console: one type scale, one palette. The colours have meanings (`docs/console/README.md`): `red` is a failure, `yellow`
 * needs attention, `teal` is healthy, `primary` leads somewhere; nothing else has a colour.
 */
export const theme = createTheme({
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
  headings: {
    fontWeight: "650",
    sizes: {
      h1: { fontSize: "1.5rem", lineHeight: "1.3" },
      h2: { fontSize: "1.125rem", lineHeight: "1.4" },
      h3: { fontSize: "1rem", lineHeight: "1.4" },
    },
  },
  colors: { primary },
  primaryColor: "primary",
  primaryShade: 6,
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // What scrolls in its own frame scrolls by keyboard too.
    TableScrollContainer: { defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 } } } },
    // Titles in the colour of a light alert have too little contrast (WCAG 1.4.3); its ground and icon have the meaning.
    Alert: { styles: { title: { color: "var(--mantine-color-text)" } } },
    // Nothing is smaller than the notes.
    Badge: {
      vars: (_theme: unknown, { size = "md" }: { size?: string }) => ({
        root: size === "md" ? { "--badge-fz": "0.75rem" } : {},
      }),
    },
    // What is pressed measures at least 24 × 24 px (WCAG 2.5.8); links in `console.css`.
    Checkbox: { vars: () => ({ root: { "--checkbox-size": TARGET } }) },
    NumberInput: { defaultProps: { hideControls: true } }, // its steps are half as high; the arrow keys take them
    Radio: { vars: () => ({ root: { "--radio-size": TARGET } }) },
    Switch: {
      vars: () => ({
        root: {
          "--switch-height": TARGET,
          "--switch-width": "var(--switch-width-md)",
          "--switch-thumb-size": "var(--switch-thumb-size-md)",
        },
      }),
    },
    // A scroll bar has a place of its own, below the last row.
    ScrollArea: { defaultProps: { offsetScrollbars: "present" } },
    Modal: {
      defaultProps: {
        // The head of a dialog is no landmark of the page beside that of the shell.
        attributes: { header: { role: "presentation" } },
        // A dialog is gone as soon as it is closed: one that fades would stand beside the next one, with two traps of the focus.
        transitionProps: { exitDuration: 0 },
      },
    },
  },
});
