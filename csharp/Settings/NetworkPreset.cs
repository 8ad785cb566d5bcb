namespace NetDriver
{
    /// <summary>
    /// An engine whose limits, timers and rules the settings begin with:
    /// <see cref="NetworkSettings.WithPreset"/>.
    /// </summary>
    public enum NetworkPreset
    {
        /// <summary>Unity Transport 2.x.</summary>
        Unity = 1,
        /// <summary>Godot 4.</summary>
        Godot4 = 2,
        /// <summary>Godot 3 and Pandemonium.</summary>
        Godot3 = 3,
        /// <summary>Best HTTP.</summary>
        BestHttp = 4,
    }
}
