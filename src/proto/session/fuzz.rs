//! Bodies of the session's fuzz targets.
