namespace EveStorage.Linux;

/// <summary>
/// The locks of an opening (<see cref="BlockFile.TryLock"/>) by which those who use a volume's image tell each other. They end
/// with the last descriptor of the opening, so that a loop device, which keeps the opening, keeps them until it is gone.
/// </summary>
public static class ImageLocks
{
    /// <summary>Held shared by everyone who has the image open, and exclusively by who moves it or takes it away.</summary>
    public const int User = 0;

    /// <summary>Held shared by everyone who has it open to write, and exclusively by who needs it to stand still.</summary>
    public const int Writer = 1;
}
