namespace EveStorage.Tests;

/// <summary>One guest for the tests that need nothing of it but its kernel.</summary>
public sealed class SharedGuest : IAsyncLifetime
{
    private Guest? _guest;

    internal Guest Guest => _guest!;

    public async ValueTask InitializeAsync()
    {
        Guest.Require();
        _guest = await Guest.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_guest is not null)
        {
            await _guest.DisposeAsync();
        }
    }
}
