import { api, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";

export type GrantReview = Schemas["GrantReview"];

/** Read a grant with whom it concerns, who approves it, and what the user may do with it. */
export async function reviewOf(name: string): Promise<GrantReview> {
  const { data } = await api.GET("/registry/grants/{name}/review", { params: { path: { name } } });
  if (data === undefined) throw new ApiError({ type: "", title: "empty answer", status: 0 });
  return data;
}
