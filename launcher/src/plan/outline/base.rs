//! The step that makes the root.

use crate::plan::outline::{DISCARDED, Outline};
use crate::plan::root::{Base, RootPlan};
use crate::plan::steps::Kind;
use crate::request::root::Overlay;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

impl Outline {
    pub(super) fn base(&mut self, root: &RootPlan) {
        let (source, overlay) = match &root.base {
            Base::Dir(dir) => (OsStr::from_bytes(dir.to_bytes()), root.overlay.as_ref()),
            Base::Layers(image) => (OsStr::new(&image.name), root.overlay.as_ref()),
            Base::Host(_) => (OsStr::new("/"), Some(&Overlay::Memory)),
            Base::Empty => {
                self.add(Kind::MakeEmptyRoot);
                return;
            }
        };
        let step = self.add(Kind::MakeRoot).text("source", source);
        if let Some(image) = root.image() {
            step.texts("layers", &mut image.layers.iter().map(|layer| layer.path.as_os_str()));
            if image.layers.is_empty() {
                step.text("unpacked_for", &image.map);
            }
        }
        match overlay {
            Some(Overlay::Memory) => step.text("changes", DISCARDED),
            Some(Overlay::Kept(dir)) => step.text("changes_dir", dir),
            None => step,
        };
    }
}
