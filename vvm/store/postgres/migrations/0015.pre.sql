-- Nothing but functions/ has changed: who knows them by an older text does not put that back.

SELECT;
