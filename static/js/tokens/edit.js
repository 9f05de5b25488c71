// Tags and notes, of one account or of the selected ones.

import { prepared } from "../dialog.js";
import { busy, find, make } from "../dom.js";
import { masked } from "../format.js";
import { t } from "../t.js";
import { change } from "./actions.js";

const tagsOf = (text) =>
  text
    .split(/[,，]/)
    .map((tag) => tag.trim())
    .filter(Boolean);

export function wireEditing() {
  const dialog = prepared(find("#edit-dialog")),
    form = find("form", dialog);
  const tags = find("#edit-tags"),
    note = find("#edit-note");
  const problem = find(".problem", form);
  let save = async () => {};

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(find("button[type=submit]", form), async () => {
      try {
        await save();
        dialog.close();
      } catch (error) {
        problem.textContent = error.message;
      }
      dispatchEvent(new Event("accounts-changed"));
    });
  });

  function open(title, { withTags = true, withNote = true }) {
    find("#edit-title").textContent = title;
    find("#edit-tags-field").hidden = !withTags;
    find("#edit-note-field").hidden = !withNote;
    problem.textContent = "";
    dialog.showModal();
  }

  return {
    /** One account: only what was changed is stored. */
    one(account) {
      tags.value = account.tags.join(", ");
      note.value = account.note;
      save = async () => {
        const wanted = tagsOf(tags.value);
        if (wanted.join() !== account.tags.join()) await change("tags", [account.id], { tags: wanted });
        if (note.value !== account.note) await change("note", [account.id], { note: note.value });
      };
      open(t("edit.title", { name: masked(account.token) }), {});
    },
    /** Tags or the note of many, in place of what they have. */
    many(what, ids) {
      tags.value = note.value = "";
      save = () => change(what, ids, what === "tags" ? { tags: tagsOf(tags.value) } : { note: note.value });
      open(t(`edit.many_${what}`, { count: ids.length }), {
        withTags: what === "tags",
        withNote: what === "note",
      });
    },
    know(all) {
      find("#known-tags").replaceChildren(...all.map((tag) => make("option", { value: tag })));
    },
  };
}
