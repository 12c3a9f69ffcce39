import "./my-data.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { MyData } from "./MyData";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MyData />
    </StrictMode>,
  );
}
