import "./my-data.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { showFieldFaults } from "../app/fieldFaults";
import { MyData } from "./MyData";

showFieldFaults();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MyData />
    </StrictMode>,
  );
}
