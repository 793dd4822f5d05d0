//! What becomes of images: lifecycle policies, deletions and the archive.

use super::run::Chaos;
use crate::deeds::Deed;

impl Chaos {
    /// A lifecycle policy keeps the images of a repository that were pushed last.
    pub(super) fn expire_images(&mut self) {
        let repository = self.any_target().terms.repository.clone();
        let keep = self.rng.usize(1..=3);
        for digest in self.world.images.expire(&repository, keep) {
            self.did("an image expires", &format!("{repository} {digest}"));
            let repository = repository.clone();
            self.world
                .note_deed(Deed::ImageDeleted { repository, digest });
        }
    }

    /// An image goes to the archive.
    pub(super) fn archive_image(&mut self) {
        let repository = self.any_target().terms.repository.clone();
        let images = self.images.get(&repository).cloned().unwrap_or_default();
        let digest = images[self.rng.usize(0..images.len())].digest();
        self.world.images.archive(&repository, &digest);
        self.did("archive an image", &format!("{repository} {digest}"));
    }
}
